# Texts of the pages in English. Lines such as `name = text`; { $user } stands for a value and stays
# as it is. A text may have several lines if the further ones are indented. README.md says more.

error-prefix = Error
show-password = Show password
hide-password = Hide password
copy = Copy
copied = Copied
imprint = Legal notice
privacy = Privacy
help = Help
back-to-sign-in = Back to sign in
go-to-account = Go to your account
signed-in-as = You are signed in as

sign-in = Sign in
sign-out = Sign out
name = Name
name-or-address = Name or mail address
password = Password
stay-signed-in = Stay signed in on this device
stay-signed-in-hint = For { $days } days. Only on a device that no one else uses.
forgot = Forgot your password?
wrong-password = Wrong password.
reset-it = Reset it?
done-password = Your password has been changed. Sign in with the new one.
done-reset = Your password is set. Sign in with it now. Sessions that were open have ended.
done-out = You are signed out.
form-expired = This page was open for too long, or your browser sent no cookie. Try again.
too-many-source = There were too many sign-in attempts from this network address.
too-many-user = There were too many sign-in attempts with this user name.
too-many-backend = There were too many failed sign-ins at the server that checks this password.
try-again-in = Try again in { $wait }. Your password may well be right.
unavailable = Passwords cannot be checked right now. Yours may well be right. Try again in a few minutes.
wait-seconds = { $n ->
    [one] { $n } second
   *[other] { $n } seconds
}
wait-minutes = { $n ->
    [one] { $n } minute
   *[other] { $n } minutes
}
wait-hours = { $n ->
    [one] { $n } hour
   *[other] { $n } hours
}
confirm-title = Confirm your password
confirm-text = To go on, enter your password again.
confirm = Confirm
sign-out-ask = Sign out?
back-to-account = Back to your account

forgot-text = Enter your name or your confirmed mail address. We send a link to choose a new password to the confirmed mail address of your account.
send-link = Send a link
sent-title = Check your mail
sent-text = If there is an account with this name or confirmed mail address, we have sent a mail to its confirmed mail address. The mail has a link to choose a new password, or says where the password of the account is kept.
sent-hint = Your password has not changed. If no mail arrives, look into your spam folder, or ask an administrator.
too-many-requests = Too many requests came from your network address. Try again in { $wait }.
reset-disabled = Password reset is disabled
reset-disabled-hint = Ask an administrator for a new password.
welcome = Welcome
welcome-text = Choose a password for your account:
choose-password = Choose a new password
choose-password-text = For this account:
choose-password-hint = All sessions and app passwords of the account end.
new-password = New password
repeat-password = Repeat the password
set-password = Set the password
passwords-differ = The two passwords differ.
password-empty = Enter a password.
password-impossible = This text cannot be a password: { $why }.
link-broken = This link does not work
link-invalid = Could not reset password because the token is invalid.
link-invalid-hint = A link works once, and only the newest one does. Signing in, another mail address or a new password ends it, too.
link-expired = Could not reset password because the token is expired.
link-expired-hint = A link works for a limited time.
link-again = Ask for another link
too-many-links = Too many wrong links were tried from your network address. Try again in { $wait }.
busy-link = The server is busy. Your link is still good: try again in a minute.
reset-failed = Nothing was changed. Try again later.

address-title = Confirm your mail address
address-ask = Is this the mail address of your account?
account = Account
address-hint = If you do not know this account, close this page. Nothing will change.
address-done = Your mail address is confirmed
address-done-text = It now belongs to your account: a lost password can be reset through it.
address-link-hint = A link works once and for a limited time, and only the newest one does. A new password or another address ends it, too.
address-link-again = To get another link, sign in and save your mail address again.
address-taken = This address cannot be confirmed
address-taken-text = Another account uses this mail address. To use it here, remove it there first.

https-title = HTTPS required
https-text = Passwords are not taken over plain HTTP: anyone on the network could read them.
https-link = Go to the encrypted page
not-found = Page not found
not-found-text = There is no page at this address. It may be misspelled, or the page has moved.
expired-title = This page has expired
expired-text = The page was open for too long, the form came from another site, or your browser blocks cookies. Nothing was changed.
start-over = Start over
invalid-form = Invalid form
invalid-form-text = A field was sent twice, is not text, or is too long.
temporarily-unavailable = Temporarily unavailable
busy = The server is busy. Try again in a moment.
went-wrong = Something went wrong
accounts-unavailable = The accounts are unavailable. Try again later.

your-account = Your account
sections = Sections of this page
profile = Profile
display-name = Display name
display-name-hint = How others see you. Leave it empty to be called by your user name.
language = Language
language-browser = As the browser says
save = Save
mail-address = Mail address
groups = Groups
role = Role
role-admin = Administrator
role-sub-admin = Administers { $groups }
signs-in-with = Signs in with
this-server = this server
none = none
confirmed-is = confirmed: { $address }
pending = not confirmed
address-pending = Your mail address is not confirmed. It does not sign you in, and a lost password cannot be reset through it.
address-pending-again = Save it again to get another link.
address-pending-ask = Ask an administrator to confirm it.
your-password = Your password
save-address = Save the mail address
address-new-hint = A new address is used when you have followed the link that we send to it.
address-remove-hint = Leave it empty to remove your address.
kept-elsewhere = Your password is kept by another server and can only be changed there:
change-there = Change or reset it there
current-password = Current password
repeat-new-password = Repeat new password
change-password = Change the password
change-password-hint = You will be signed out everywhere. Sign in again with the new password.
change-password-hint-all = You will be signed out everywhere, and all your app passwords will be revoked. Sign in again with the new password.
sessions = Sessions
sessions-hint = Browsers in which you are signed in.
this-session = this one
unknown-address = unknown address
unknown-browser = Unknown browser
browser-on = { $browser } on { $system }
signed-in = signed in
last-seen = last seen
last-used = last used
from = from
never-used = never used
made = made
ends = ends
end = End
end-session = End the session of { $browser }, last seen { $seen }
end-others = End all other sessions
more-sessions = { $n ->
    [one] { $n } more session
   *[other] { $n } more sessions
}
ago-now = just now
ago-minutes = { $n ->
    [one] { $n } minute ago
   *[other] { $n } minutes ago
}
ago-hours = { $n ->
    [one] { $n } hour ago
   *[other] { $n } hours ago
}
ago-days = { $n ->
    [one] yesterday
   *[other] { $n } days ago
}
devices = Devices and programs
devices-admin = Devices, programs and service tokens
devices-hint = Each gets an app password of its own, which you can revoke separately. App passwords do not work on this page.
no-devices = No app passwords yet.
service-token = service token
being-wiped = being wiped
may = may
revoke = Revoke
revoke-token = Revoke the app password { $name }
connect-device = Connect a device or program
device-name = Name of the device or program
device-name-hint = Such as “Phone”. It tells you later which one to revoke.
make-app-password = Make an app password
service-title = New service token
service-hint = For a script or a program that works on its own. It acts as you, at most with your rights, and does only what its scopes say.
service-name = What it is for
service-name-hint = Such as “Nightly report”.
scopes = Scopes
frontends = Frontends it may sign in at (optional)
frontends-hint = With spaces between their names.
networks = Networks it works from (optional)
networks-hint = Such as 10.0.0.0/8, with spaces between them.
expires = When it ends (optional)
expires-hint = A day such as 2027-01-31, or a time such as 90d.
make-service-token = Make a service token
scope-admin = appoint administrators and sub-admins
scope-apps = switch and configure apps
scope-groups-read = list groups and their members
scope-groups-write = change groups and who is in them
scope-users-credentials = set passwords and mail addresses
scope-users-read = list users and read their data
scope-users-write = create, change and delete users
token-app-title = New app password
token-service-title = New service token
token-app-text = Enter it on “{ $name }” now, together with the server address and your user name. It is shown for a few minutes only.
token-service-text = For “{ $name }”, with the scopes { $scopes }. It is shown for a few minutes only: copy it to where the program keeps its secrets now.
token-service-how = The program sends it in the header
server-address = Server address
app-password = App password
service-token-title = Service token
user-name = User name
scan = Or scan it with the camera of the device:
scan-label = The app password as a QR code
done = Done
done-ended = The session has ended.
done-others = All other sessions have ended.
done-profile = Your profile is saved.
done-revoked = The app password is revoked.
done-email = Your mail address is saved.
done-email-link = Your mail address is saved. Follow the link in the mail that was sent to it to confirm it.
done-email-ask = Your mail address is saved. An administrator has to confirm it.
kept-elsewhere-refused = Your password is kept by another server and cannot be changed here.
password-later = The password could not be set now. Try again later.
address-fixed = Your mail address is set by your administrator.
name-fixed = Your display name is set by your administrator.
name-bad = This display name is too long or has characters that cannot be shown.
language-bad = Choose one of the languages.
address-bad = This is not a mail address. Nothing was changed.
grace-refused = Nothing can be changed while the server that checks your password cannot be reached. Sign in again later.
too-many-app-passwords = You have 100 app passwords. Revoke one that you no longer use first.
too-many-tokens = You have 100 app passwords and service tokens. Revoke one that you no longer use first.
app-name-bad = Enter a shorter name for the app password, in one line.
only-admins = Only administrators make service tokens.

rules-none = No rules apply.
rules-length = At least { $n } characters
rules-case = upper and lower case letters
rules-digit = a digit
rules-special = a special character
rules-common = not a commonly used password

flow-title = Sign in a device
flow-from = It asked from the address { $address }:
flow-wants = This program wants to use your account { $user }:
flow-text = Agree only if you started this yourself a moment ago: the program gets an app password of its own, with which it signs in as you until you revoke it.
flow-scopes = It is to manage users for me
flow-scopes-hint = Choose what it may do, and it gets a service token with these scopes instead of the app password of a device. Choose nothing for a device.
flow-agree = Sign in the device
flow-refuse = Do not sign it in
flow-done = Device signed in
flow-done-text = The program signs in by itself in a moment. You can close this window.
flow-revoke = It has got an app password of its own, which you can revoke on the page of your account.
flow-full = Too many app passwords
flow-full-text = You have 100 app passwords. Revoke one that you no longer use, then start over in the program.
flow-gone = Link no longer valid
flow-gone-text = This sign-in was used already, or took longer than 20 minutes. Start over in the program.

admin = Administration
admin-users = Users
admin-policy = Password policy
admin-backends = Backends
admin-brute-force = Brute-force protection
admin-pins = Pins
admin-service-tokens = Service tokens
admin-audit = Audit log
admin-mail = Mail
admin-config = Configuration
admin-forbidden = Not allowed
admin-forbidden-text = Your account does not have the rights for this.
admin-gone = There is nothing here, or you do not administer it.
admin-back = Back to the users
admin-refused = This was refused.
admin-unavailable = This cannot be done right now. Try again in a few minutes.
admin-confirm-text = This change needs your password, because you typed it more than 15 minutes ago. Nothing has been changed yet.
admin-password-again = Enter the password of the form again
admin-keep = Change nothing and go back
admin-search = Search
admin-all = All
admin-none-found = Nothing was found.
admin-before = Previous page
admin-after = Next page
admin-older = Older entries
admin-add = Add
admin-remove = Remove
admin-create = Create
admin-delete = Delete
admin-ms = { $n } ms
admin-done-created = Created.
admin-done-saved = Saved.
admin-done-deleted = Deleted.
admin-done-enabled = The user can sign in again.
admin-done-disabled = The user can no longer sign in.
admin-done-password = The new password is set. Sessions and app passwords of the user have ended.
admin-done-joined = The user is in the group.
admin-done-left = The user is no longer in the group.
admin-done-promoted = The user administers the group.
admin-done-demoted = The user no longer administers the group.
admin-done-mailed = The mail is on its way.
admin-done-ended = The sessions have ended.
admin-done-revoked = The app password is revoked.
admin-done-wiped = The app passwords are revoked; the devices wipe themselves when they ask next.
admin-done-released = The failed sign-ins are forgotten.
admin-done-rebound = The name belongs to the other backend now.

admin-search-users = Name, display name or mail address
admin-only-disabled = Disabled users only
admin-new-user = New user
admin-user-count = { $n ->
    [one] { $n } user
   *[other] { $n } users
}
admin-user-count-more = more than { $n } users
admin-disabled = disabled
admin-last-login = Last sign-in
admin-never = Never signed in
admin-not-yours = not administered by you
admin-from-backend = signs in with { $backend }
admin-user-name-hint = What the user signs in with. It cannot be changed later.
admin-address-confirmed = I know that this address is the user's
admin-password-optional = Password (optional)
admin-password-mail = Without a password, a link to choose one is mailed.
admin-groups-hint = With commas between them.
admin-quota = Quota
admin-quota-new = New quota (optional)
admin-quota-hint = Such as 5 GB, none for no limit, or default.
admin-unlimited = unlimited
admin-access = Access
admin-no-groups = In no group.
admin-leave-group = Remove from the group { $group }
admin-add-to-group = Add to a group
admin-administers = Groups that this user administers
admin-administers-none = None.
admin-demote-group = No longer administers { $group }
admin-promote = Let this user administer a group
admin-password-hint = Sessions and app passwords of the user end.
admin-kept-elsewhere = The password of this user is kept by another server and can only be changed there:
admin-send-reset = Send a reset mail
admin-send-welcome = Send the welcome mail
admin-unlock = Forget failed sign-ins
admin-disable = Disable
admin-enable = Enable
admin-delete-user = Delete this user
admin-delete-user-ask = Delete the user { $user }?
admin-delete-user-text = The account is deleted with everything the user is signed in with. This cannot be undone. A user whose password another server checks gets a new, empty account at the next sign-in.
admin-ban = Ban the name: it opens nothing until an administrator lifts the ban
admin-no-sessions = No open sessions.
admin-end-all = End all sessions
admin-wipe-link = Revoke all app passwords and wipe the devices
admin-wipe-ask = Wipe the devices of { $user }?
admin-wipe-text = All app passwords are revoked. Programs that support it delete the data of this account from their device when they ask next.
admin-wipe = Wipe the devices

admin-search-groups = Id or display name
admin-new-group = New group
admin-group-id = Id of the group
admin-group-id-hint = It cannot be changed later.
admin-members = Members
admin-remove-user = Remove { $user } from the group
admin-add-user = Add a user (name)
admin-sub-admins = Sub-admins
admin-sub-admins-hint = They administer the members of this group.
admin-demote-user = { $user } no longer administers the group
admin-add-sub-admin = Add a sub-admin (name)
admin-name-of = Display name of { $id }
admin-delete-group = Delete this group
admin-delete-group-ask = Delete the group { $group }?
admin-delete-group-text = Its members stay. Rules that name the group no longer apply to them.

admin-policy-now = Now:
admin-policy-hint = Changes count at once, for new passwords. An empty field takes a setting back to its default.
admin-policy-length = Minimum length
admin-policy-common = Refuse common passwords
admin-policy-breached = Refuse passwords known from breaches
admin-policy-case = Require upper and lower case
admin-policy-digit = Require a digit
admin-policy-special = Require a special character
admin-policy-history = Former passwords that may not be used again
admin-policy-expiration = Days until a password expires
admin-policy-attempts = Wrong passwords in a row that lock a user
admin-default = Default
admin-on = On
admin-off = Off
admin-save-setting = Save: { $name }

admin-state = State
admin-backends-hint = In the order in which they are asked, as this server has seen them since it was started.
admin-backend-answers = answers
admin-backend-untried = not asked yet
admin-backend-outage = unavailable
admin-backend-breaker = unavailable, circuit breaker open
admin-backend-distrusted = not trusted
admin-backend-unrecognised = refusals not recognised
admin-backend-outage-text = It has not answered for { $time }; { $n } sign-ins needed it. The last attempt failed during { $phase }.
admin-backend-last = Last answer { $time } ago: { $verdict } ({ $ms } ms).
admin-backend-proven = It refused a made-up user, so its yes counts.
admin-backend-unproven = It was not tried with a made-up user yet.
admin-backend-distrusted-text = It accepted a made-up user: it is not asked any more.
admin-backend-unrecognised-text = Its answer to a wrong password is not recognised and counts as an outage. The documentation on troubleshooting says how to teach it.
admin-verdict-accepted = accepted
admin-verdict-rejected = refused
admin-verdict-not-mine = not responsible for this name
admin-verdict-unavailable = could not be asked
admin-verdict-misconfigured = is misconfigured
admin-verdict-protocol = broke the protocol
admin-verdict-skipped = was not asked
admin-test = Test sign-in
admin-test-hint = It is decided like a sign-in from your address: limits on guessing hold, and a wrong password counts.
admin-test-backend = Ask
admin-test-all = All backends in their order
admin-test-try = Try it
admin-test-result = Result
admin-test-authenticated = { $name } would be signed in.
admin-test-refused = { $name } would be refused.
admin-test-throttled = { $name } was not checked: there were too many failed sign-ins.
admin-test-unavailable = { $name } could not be checked. This says nothing about the password.
admin-test-rule = Decided by the rule “{ $rule }” after { $ms } ms.
admin-test-again = Try again in { $time }.

admin-brute-force-text = After { $n } failed sign-ins from one address within { $time }, further ones are refused; before that they are delayed more and more.
admin-no-failures = No failed sign-in counts at the moment.
admin-failures = { $n ->
    [one] { $n } failed sign-in
   *[other] { $n } failed sign-ins
}
admin-last-failure = the last one
admin-wait = the next one waits { $time }
admin-refused-now = refused
admin-release = Release
admin-release-source = Release { $source }
admin-locked-users = { $n ->
    [one] { $n } name has failed sign-ins that still count at this server.
   *[other] { $n } names have failed sign-ins that still count at this server.
}
admin-locked-hint = Which names is not kept: what was typed may be a password in the wrong field.
admin-release-user = Forget the failed sign-ins of a user (name)

admin-pins-hint = A name belongs to the first backend that accepted it. No other backend is asked about it.
admin-since = since
admin-rebind = Give a name to another backend
admin-rebind-hint = That backend decides from then on who this user is. Everything the user is signed in with ends.
admin-rebind-to = Backend
admin-rebind-none = The next one that accepts the name

admin-audit-actor = By whom
admin-audit-action = What
admin-audit-target = User, group or name

admin-mail-none = No mail server is configured, so no mail is sent.
admin-mail-server = Mails go to { $server }.
admin-mail-waiting = { $n ->
    [0] None waits to be sent.
    [one] { $n } mail waits to be sent.
   *[other] { $n } mails wait to be sent.
}
admin-mail-queued = queued
admin-mail-due = next attempt
admin-mail-attempts = { $n ->
    [0] not tried yet
    [one] tried once
   *[other] tried { $n } times
}
admin-mail-test = Test mail
admin-mail-test-hint = It is handed to the mail server at once, past the queue.
admin-mail-send = Send a test mail

admin-config-hint = As the server read it last. Passwords and keys are left out. To change it, edit the file and reload the server.

admin-fail-no-backend = There is no such backend.
admin-fail-app-password = This is an app password. Backends are never asked about one.
admin-fail-no-source = This is no address and no name of a user.
admin-fail-group-name = No group can have this id.
admin-fail-group-exists = There is a group with this id already.
admin-fail-group-stays = The group admin cannot be deleted.
admin-fail-name = This cannot be a name.
admin-fail-own-pin = This is your own name. Another administrator can change it.
admin-fail-user-exists = There is a user with this name already, or the name is banned.
admin-fail-no-group = There is no such group.
admin-fail-not-yours = You do not administer this group.
admin-fail-group-needed = Name a group that you administer.
admin-fail-password-or-mail = Enter a password or a mail address.
admin-fail-self = You cannot do this to yourself, or to the last administrator.
admin-fail-no-user = There is no such user, or you do not administer them.
admin-fail-not-removable = You cannot remove yourself, the last administrator, or a user from the last group in which you administer them.
admin-fail-admin-group = The group admin has no sub-admins.
admin-fail-no-address = This user has no mail address.
admin-fail-not-sent = The mail could not be sent. There may have been too many today.
