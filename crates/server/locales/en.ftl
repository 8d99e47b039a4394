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
address-done-text = { $address } is now the mail address of the account { $user }.
address-link-hint = A link works once and for a limited time, and only the newest one does. A new password or another address ends it, too.
address-link-again = To get another link, sign in and save your mail address again.
address-taken = This address cannot be confirmed
address-taken-text = Another account uses this mail address. To use it here, remove it there first.

https-title = HTTPS required
https-text = Passwords are not taken over plain HTTP: everybody on the way could read them.
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
token-app-text = Enter it on “{ $name }” now, together with your user name. It is shown for a few minutes only.
token-service-text = For “{ $name }”, with the scopes { $scopes }. It is shown for a few minutes only: copy it to where the program keeps its secrets now.
token-service-how = The program sends it in the header
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
flow-agree = Sign in the device
flow-refuse = Do not sign it in
flow-done = Device signed in
flow-done-text = The program signs in by itself in a moment. You can close this window.
flow-revoke = It has got an app password of its own, which you can revoke on the page of your account.
flow-full = Too many app passwords
flow-full-text = You have 100 app passwords. Revoke one that you no longer use, then start over in the program.
flow-gone = Link no longer valid
flow-gone-text = This sign-in was used already, or took longer than 20 minutes. Start over in the program.
