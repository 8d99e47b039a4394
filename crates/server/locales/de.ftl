# Texte der Seiten auf Deutsch.

error-prefix = Fehler
show-password = Passwort anzeigen
hide-password = Passwort verbergen
copy = Kopieren
copied = Kopiert
imprint = Impressum
privacy = Datenschutz
help = Hilfe
back-to-sign-in = Zurück zur Anmeldung
go-to-account = Zu Ihrem Konto
signed-in-as = Sie sind angemeldet als

sign-in = Anmelden
sign-out = Abmelden
name = Name
name-or-address = Name oder E-Mail-Adresse
password = Passwort
stay-signed-in = Auf diesem Gerät angemeldet bleiben
stay-signed-in-hint = { $days } Tage lang. Nur auf einem Gerät, das sonst niemand benutzt.
forgot = Passwort vergessen?
wrong-password = Falsches Passwort.
reset-it = Zurücksetzen?
done-password = Ihr Passwort wurde geändert. Melden Sie sich mit dem neuen an.
done-reset = Ihr Passwort ist gesetzt. Melden Sie sich jetzt damit an. Offene Sitzungen wurden beendet.
done-out = Sie sind abgemeldet.
form-expired = Diese Seite war zu lange offen, oder Ihr Browser hat kein Cookie gesendet. Versuchen Sie es noch einmal.
too-many-source = Von dieser Netzwerkadresse gab es zu viele Anmeldeversuche.
too-many-user = Mit diesem Benutzernamen gab es zu viele Anmeldeversuche.
too-many-backend = Am Server, der dieses Passwort prüft, gab es zu viele fehlgeschlagene Anmeldungen.
try-again-in = Versuchen Sie es in { $wait } noch einmal. Ihr Passwort kann durchaus richtig sein.
unavailable = Passwörter können gerade nicht geprüft werden. Ihres kann durchaus richtig sein. Versuchen Sie es in ein paar Minuten noch einmal.
wait-seconds = { $n ->
    [one] { $n } Sekunde
   *[other] { $n } Sekunden
}
wait-minutes = { $n ->
    [one] { $n } Minute
   *[other] { $n } Minuten
}
wait-hours = { $n ->
    [one] { $n } Stunde
   *[other] { $n } Stunden
}
confirm-title = Passwort bestätigen
confirm-text = Geben Sie Ihr Passwort noch einmal ein, um fortzufahren.
confirm = Bestätigen
sign-out-ask = Abmelden?
back-to-account = Zurück zu Ihrem Konto

forgot-text = Geben Sie Ihren Namen oder Ihre bestätigte E-Mail-Adresse ein. Wir senden einen Link, mit dem Sie ein neues Passwort wählen, an die bestätigte E-Mail-Adresse Ihres Kontos.
send-link = Link senden
sent-title = Sehen Sie in Ihre E-Mails
sent-text = Wenn es ein Konto mit diesem Namen oder dieser bestätigten E-Mail-Adresse gibt, haben wir eine E-Mail an seine bestätigte Adresse gesendet. Sie enthält einen Link, mit dem Sie ein neues Passwort wählen, oder sagt, wo das Passwort des Kontos liegt.
sent-hint = Ihr Passwort hat sich nicht geändert. Wenn keine E-Mail kommt, sehen Sie im Spam-Ordner nach oder fragen Sie die Administration.
too-many-requests = Von Ihrer Netzwerkadresse kamen zu viele Anfragen. Versuchen Sie es in { $wait } noch einmal.
reset-disabled = Passwörter können hier nicht zurückgesetzt werden
reset-disabled-hint = Bitten Sie die Administration um ein neues Passwort.
welcome = Willkommen
welcome-text = Wählen Sie ein Passwort für Ihr Konto:
choose-password = Neues Passwort wählen
choose-password-text = Für dieses Konto:
choose-password-hint = Alle Sitzungen und App-Passwörter des Kontos enden.
new-password = Neues Passwort
repeat-password = Passwort wiederholen
set-password = Passwort setzen
passwords-differ = Die beiden Passwörter sind verschieden.
password-empty = Geben Sie ein Passwort ein.
password-impossible = Dieser Text kann kein Passwort sein: { $why }.
link-broken = Dieser Link funktioniert nicht
link-invalid = Der Link ist ungültig.
link-invalid-hint = Ein Link gilt einmal, und nur der neueste gilt. Eine Anmeldung, eine andere E-Mail-Adresse oder ein neues Passwort beendet ihn ebenfalls.
link-expired = Der Link ist abgelaufen.
link-expired-hint = Ein Link gilt nur für begrenzte Zeit.
link-again = Einen neuen Link anfordern
too-many-links = Von Ihrer Netzwerkadresse wurden zu viele falsche Links probiert. Versuchen Sie es in { $wait } noch einmal.
busy-link = Der Server ist überlastet. Ihr Link gilt weiter: Versuchen Sie es in einer Minute noch einmal.
reset-failed = Es wurde nichts geändert. Versuchen Sie es später noch einmal.

address-title = E-Mail-Adresse bestätigen
address-ask = Ist das die E-Mail-Adresse Ihres Kontos?
account = Konto
address-hint = Wenn Sie dieses Konto nicht kennen, schließen Sie diese Seite. Es ändert sich nichts.
address-done = Ihre E-Mail-Adresse ist bestätigt
address-done-text = Sie gehört jetzt zu Ihrem Konto: Ein verlorenes Passwort lässt sich über sie zurücksetzen.
address-link-hint = Ein Link gilt einmal und für begrenzte Zeit, und nur der neueste gilt. Ein neues Passwort oder eine andere Adresse beendet ihn ebenfalls.
address-link-again = Um einen neuen Link zu erhalten, melden Sie sich an und speichern Sie Ihre E-Mail-Adresse noch einmal.
address-taken = Diese Adresse kann nicht bestätigt werden
address-taken-text = Ein anderes Konto benutzt diese E-Mail-Adresse. Entfernen Sie sie zuerst dort, um sie hier zu benutzen.

https-title = HTTPS erforderlich
https-text = Über unverschlüsseltes HTTP nehmen wir keine Passwörter an: Jeder auf dem Weg könnte sie lesen.
https-link = Zur verschlüsselten Seite
not-found = Seite nicht gefunden
not-found-text = Unter dieser Adresse gibt es keine Seite. Vielleicht ist sie falsch geschrieben, oder die Seite ist umgezogen.
expired-title = Diese Seite ist abgelaufen
expired-text = Die Seite war zu lange offen, das Formular kam von einer anderen Website, oder Ihr Browser blockiert Cookies. Es wurde nichts geändert.
start-over = Neu beginnen
invalid-form = Ungültiges Formular
invalid-form-text = Ein Feld wurde doppelt gesendet, ist kein Text oder ist zu lang.
temporarily-unavailable = Vorübergehend nicht verfügbar
busy = Der Server ist überlastet. Versuchen Sie es gleich noch einmal.
went-wrong = Etwas ist schiefgegangen
accounts-unavailable = Die Konten sind nicht erreichbar. Versuchen Sie es später noch einmal.

your-account = Ihr Konto
sections = Abschnitte dieser Seite
profile = Profil
display-name = Anzeigename
display-name-hint = So sehen andere Sie. Leer lassen, um unter dem Benutzernamen zu erscheinen.
language = Sprache
language-browser = Wie im Browser eingestellt
save = Speichern
mail-address = E-Mail-Adresse
groups = Gruppen
role = Rolle
role-admin = Administration
role-sub-admin = Verwaltet { $groups }
signs-in-with = Anmeldung über
this-server = diesen Server
none = keine
confirmed-is = bestätigt: { $address }
pending = nicht bestätigt
address-pending = Ihre E-Mail-Adresse ist nicht bestätigt. Sie können sich damit nicht anmelden und kein vergessenes Passwort zurücksetzen.
address-pending-again = Speichern Sie sie noch einmal, um einen neuen Link zu erhalten.
address-pending-ask = Bitten Sie die Administration, sie zu bestätigen.
your-password = Ihr Passwort
save-address = E-Mail-Adresse speichern
address-new-hint = Eine neue Adresse gilt, sobald Sie dem Link gefolgt sind, den wir an sie senden.
address-remove-hint = Leer lassen, um Ihre Adresse zu entfernen.
kept-elsewhere = Ihr Passwort liegt auf einem anderen Server und kann nur dort geändert werden:
change-there = Dort ändern oder zurücksetzen
current-password = Aktuelles Passwort
repeat-new-password = Neues Passwort wiederholen
change-password = Passwort ändern
change-password-hint = Sie werden überall abgemeldet. Melden Sie sich dann mit dem neuen Passwort an.
change-password-hint-all = Sie werden überall abgemeldet, und alle Ihre App-Passwörter werden widerrufen. Melden Sie sich dann mit dem neuen Passwort an.
sessions = Sitzungen
sessions-hint = Browser, in denen Sie angemeldet sind.
this-session = diese
unknown-address = unbekannte Adresse
unknown-browser = Unbekannter Browser
browser-on = { $browser } auf { $system }
signed-in = angemeldet
last-seen = zuletzt gesehen
last-used = zuletzt benutzt
from = von
never-used = nie benutzt
made = erstellt
ends = endet
end = Beenden
end-session = Sitzung von { $browser } beenden, zuletzt gesehen { $seen }
end-others = Alle anderen Sitzungen beenden
more-sessions = { $n ->
    [one] { $n } weitere Sitzung
   *[other] { $n } weitere Sitzungen
}
ago-now = gerade eben
ago-minutes = { $n ->
    [one] vor { $n } Minute
   *[other] vor { $n } Minuten
}
ago-hours = { $n ->
    [one] vor { $n } Stunde
   *[other] vor { $n } Stunden
}
ago-days = { $n ->
    [one] gestern
   *[other] vor { $n } Tagen
}
devices = Geräte und Programme
devices-admin = Geräte, Programme und Dienst-Token
devices-hint = Jedes bekommt ein eigenes App-Passwort, das Sie einzeln widerrufen können. Auf dieser Seite gelten App-Passwörter nicht.
no-devices = Noch keine App-Passwörter.
service-token = Dienst-Token
being-wiped = wird gelöscht
may = darf
revoke = Widerrufen
revoke-token = App-Passwort { $name } widerrufen
connect-device = Ein Gerät oder Programm verbinden
device-name = Name des Geräts oder Programms
device-name-hint = Zum Beispiel „Telefon“. Daran erkennen Sie später, welches Sie widerrufen.
make-app-password = App-Passwort erstellen
service-title = Neues Dienst-Token
service-hint = Für ein Skript oder ein Programm, das allein arbeitet. Es handelt in Ihrem Namen, höchstens mit Ihren Rechten, und tut nur, was seine Bereiche erlauben.
service-name = Wofür es ist
service-name-hint = Zum Beispiel „Nachtbericht“.
scopes = Bereiche
frontends = Zugänge, an denen es sich anmelden darf (freiwillig)
frontends-hint = Namen durch Leerzeichen getrennt.
networks = Netze, aus denen es arbeitet (freiwillig)
networks-hint = Zum Beispiel 10.0.0.0/8, durch Leerzeichen getrennt.
expires = Wann es endet (freiwillig)
expires-hint = Ein Tag wie 2027-01-31 oder eine Dauer wie 90d.
make-service-token = Dienst-Token erstellen
scope-admin = Administration und Verwaltung von Gruppen vergeben
scope-apps = Apps schalten und einstellen
scope-groups-read = Gruppen und ihre Mitglieder auflisten
scope-groups-write = Gruppen und ihre Mitglieder ändern
scope-users-credentials = Passwörter und E-Mail-Adressen setzen
scope-users-read = Benutzer auflisten und ihre Daten lesen
scope-users-write = Benutzer anlegen, ändern und löschen
token-app-title = Neues App-Passwort
token-service-title = Neues Dienst-Token
token-app-text = Geben Sie es jetzt auf „{ $name }“ ein, zusammen mit der Serveradresse und Ihrem Benutzernamen. Es wird nur wenige Minuten lang angezeigt.
token-service-text = Für „{ $name }“, mit den Bereichen { $scopes }. Es wird nur wenige Minuten lang angezeigt: Kopieren Sie es jetzt dorthin, wo das Programm seine Geheimnisse verwahrt.
token-service-how = Das Programm sendet es im Header
server-address = Serveradresse
app-password = App-Passwort
service-token-title = Dienst-Token
user-name = Benutzername
scan = Oder mit der Kamera des Geräts einlesen:
scan-label = Das App-Passwort als QR-Code
done = Fertig
done-ended = Die Sitzung ist beendet.
done-others = Alle anderen Sitzungen sind beendet.
done-profile = Ihr Profil ist gespeichert.
done-revoked = Das App-Passwort ist widerrufen.
done-email = Ihre E-Mail-Adresse ist gespeichert.
done-email-link = Ihre E-Mail-Adresse ist gespeichert. Folgen Sie dem Link in der E-Mail, die an sie gesendet wurde, um sie zu bestätigen.
done-email-ask = Ihre E-Mail-Adresse ist gespeichert. Die Administration muss sie bestätigen.
kept-elsewhere-refused = Ihr Passwort liegt auf einem anderen Server und kann hier nicht geändert werden.
password-later = Das Passwort konnte jetzt nicht gesetzt werden. Versuchen Sie es später noch einmal.
address-fixed = Ihre E-Mail-Adresse wird von der Administration festgelegt.
name-fixed = Ihr Anzeigename wird von der Administration festgelegt.
name-bad = Dieser Anzeigename ist zu lang oder enthält Zeichen, die nicht angezeigt werden können.
language-bad = Wählen Sie eine der Sprachen.
address-bad = Das ist keine E-Mail-Adresse. Es wurde nichts geändert.
grace-refused = Solange der Server, der Ihr Passwort prüft, nicht erreichbar ist, kann nichts geändert werden. Melden Sie sich später noch einmal an.
too-many-app-passwords = Sie haben 100 App-Passwörter. Widerrufen Sie zuerst eines, das Sie nicht mehr benutzen.
too-many-tokens = Sie haben 100 App-Passwörter und Dienst-Token. Widerrufen Sie zuerst eines, das Sie nicht mehr benutzen.
app-name-bad = Geben Sie einen kürzeren Namen für das App-Passwort ein, in einer Zeile.
only-admins = Nur die Administration erstellt Dienst-Token.

rules-none = Es gelten keine Regeln.
rules-length = Mindestens { $n } Zeichen
rules-case = Groß- und Kleinbuchstaben
rules-digit = eine Ziffer
rules-special = ein Sonderzeichen
rules-common = kein häufig benutztes Passwort

flow-title = Gerät anmelden
flow-from = Die Anfrage kam von der Adresse { $address }:
flow-wants = Dieses Programm möchte Ihr Konto { $user } verwenden:
flow-text = Stimmen Sie nur zu, wenn Sie dies gerade selbst begonnen haben: Das Programm erhält ein eigenes App-Passwort, mit dem es sich als Sie anmeldet, bis Sie es widerrufen.
flow-scopes = Es soll für mich Benutzer verwalten
flow-scopes-hint = Wählen Sie, was es darf; dann erhält es statt des App-Passworts eines Geräts ein Dienst-Token mit diesen Bereichen. Wählen Sie nichts für ein Gerät.
flow-agree = Gerät anmelden
flow-refuse = Nicht anmelden
flow-done = Gerät angemeldet
flow-done-text = Das Programm meldet sich gleich selbst an. Sie können dieses Fenster schließen.
flow-revoke = Es hat ein eigenes App-Passwort erhalten, das Sie auf der Seite Ihres Kontos widerrufen können.
flow-full = Zu viele App-Passwörter
flow-full-text = Sie haben 100 App-Passwörter. Widerrufen Sie eines, das Sie nicht mehr brauchen, und beginnen Sie im Programm von vorn.
flow-gone = Link nicht mehr gültig
flow-gone-text = Diese Anmeldung wurde schon verwendet oder hat länger als 20 Minuten gedauert. Beginnen Sie im Programm von vorn.

admin = Verwaltung
admin-users = Benutzer
admin-policy = Passwortregeln
admin-backends = Backends
admin-brute-force = Schutz vor Durchprobieren
admin-pins = Zuordnungen
admin-service-tokens = Dienst-Token
admin-audit = Protokoll
admin-mail = E-Mail
admin-config = Konfiguration
admin-forbidden = Nicht erlaubt
admin-forbidden-text = Ihr Konto hat dafür nicht die nötigen Rechte.
admin-gone = Hier gibt es nichts, oder Sie verwalten es nicht.
admin-back = Zurück zu den Benutzern
admin-refused = Das wurde abgelehnt.
admin-unavailable = Das geht gerade nicht. Versuchen Sie es in ein paar Minuten noch einmal.
admin-confirm-text = Für diese Änderung brauchen wir Ihr Passwort, weil Sie es zuletzt vor mehr als 15 Minuten eingegeben haben. Noch wurde nichts geändert.
admin-password-again = Das Passwort aus dem Formular noch einmal eingeben
admin-keep = Nichts ändern und zurück
admin-search = Suchen
admin-all = Alle
admin-none-found = Nichts gefunden.
admin-before = Vorige Seite
admin-after = Nächste Seite
admin-older = Ältere Einträge
admin-add = Hinzufügen
admin-remove = Entfernen
admin-create = Anlegen
admin-delete = Löschen
admin-ms = { $n } ms
admin-done-created = Angelegt.
admin-done-saved = Gespeichert.
admin-done-deleted = Gelöscht.
admin-done-enabled = Der Benutzer kann sich wieder anmelden.
admin-done-disabled = Der Benutzer kann sich nicht mehr anmelden.
admin-done-password = Das neue Passwort ist gesetzt. Sitzungen und App-Passwörter des Benutzers sind beendet.
admin-done-joined = Der Benutzer ist in der Gruppe.
admin-done-left = Der Benutzer ist nicht mehr in der Gruppe.
admin-done-promoted = Der Benutzer verwaltet die Gruppe.
admin-done-demoted = Der Benutzer verwaltet die Gruppe nicht mehr.
admin-done-mailed = Die Mail ist unterwegs.
admin-done-ended = Die Sitzungen sind beendet.
admin-done-revoked = Das App-Passwort ist widerrufen.
admin-done-wiped = Die App-Passwörter sind widerrufen; die Geräte löschen ihre Daten bei der nächsten Anfrage.
admin-done-released = Die fehlgeschlagenen Anmeldungen sind vergessen.
admin-done-rebound = Der Name gehört jetzt zum anderen Backend.

admin-search-users = Name, Anzeigename oder E-Mail-Adresse
admin-only-disabled = Nur deaktivierte Benutzer
admin-new-user = Neuer Benutzer
admin-user-count = { $n ->
    [one] { $n } Benutzer
   *[other] { $n } Benutzer
}
admin-user-count-more = mehr als { $n } Benutzer
admin-disabled = deaktiviert
admin-last-login = Letzte Anmeldung
admin-never = Noch nie angemeldet
admin-not-yours = nicht von Ihnen verwaltet
admin-from-backend = meldet sich an mit { $backend }
admin-user-name-hint = Damit meldet sich der Benutzer an. Er lässt sich später nicht ändern.
admin-address-confirmed = Ich weiß, dass diese Adresse dem Benutzer gehört
admin-password-optional = Passwort (optional)
admin-password-mail = Ohne Passwort wird ein Link verschickt, mit dem eines gewählt wird.
admin-groups-hint = Mit Kommas getrennt.
admin-quota = Speicherplatz
admin-quota-new = Neuer Speicherplatz (optional)
admin-quota-hint = Etwa 5 GB; none für unbegrenzt, default für den Standard.
admin-unlimited = unbegrenzt
admin-access = Zugang
admin-no-groups = In keiner Gruppe.
admin-leave-group = Aus der Gruppe { $group } entfernen
admin-add-to-group = Zu einer Gruppe hinzufügen
admin-administers = Gruppen, die dieser Benutzer verwaltet
admin-administers-none = Keine.
admin-demote-group = Verwaltet { $group } nicht mehr
admin-promote = Diesen Benutzer eine Gruppe verwalten lassen
admin-password-hint = Sitzungen und App-Passwörter des Benutzers enden.
admin-kept-elsewhere = Das Passwort dieses Benutzers liegt auf einem anderen Server und kann nur dort geändert werden:
admin-send-reset = Mail zum Zurücksetzen schicken
admin-send-welcome = Begrüßungsmail schicken
admin-unlock = Fehlgeschlagene Anmeldungen vergessen
admin-disable = Deaktivieren
admin-enable = Aktivieren
admin-delete-user = Diesen Benutzer löschen
admin-delete-user-ask = Den Benutzer { $user } löschen?
admin-delete-user-text = Das Konto wird mit allen Sitzungen und App-Passwörtern gelöscht. Das lässt sich nicht rückgängig machen. Ein Benutzer, dessen Passwort ein anderer Server prüft, bekommt bei der nächsten Anmeldung ein neues, leeres Konto.
admin-ban = Den Namen sperren: Er öffnet nichts, bis ein Administrator die Sperre aufhebt
admin-no-sessions = Keine offenen Sitzungen.
admin-end-all = Alle Sitzungen beenden
admin-wipe-link = Alle App-Passwörter widerrufen und die Geräte löschen
admin-wipe-ask = Die Geräte von { $user } löschen?
admin-wipe-text = Alle App-Passwörter werden widerrufen. Programme, die das können, löschen die Daten dieses Kontos bei der nächsten Anfrage von ihrem Gerät.
admin-wipe = Die Geräte löschen

admin-search-groups = Kennung oder Anzeigename
admin-new-group = Neue Gruppe
admin-group-id = Kennung der Gruppe
admin-group-id-hint = Sie lässt sich später nicht ändern.
admin-members = Mitglieder
admin-remove-user = { $user } aus der Gruppe entfernen
admin-add-user = Einen Benutzer hinzufügen (Name)
admin-sub-admins = Gruppenverwalter
admin-sub-admins-hint = Sie verwalten die Mitglieder dieser Gruppe.
admin-demote-user = { $user } verwaltet die Gruppe nicht mehr
admin-add-sub-admin = Einen Gruppenverwalter hinzufügen (Name)
admin-name-of = Anzeigename von { $id }
admin-delete-group = Diese Gruppe löschen
admin-delete-group-ask = Die Gruppe { $group } löschen?
admin-delete-group-text = Ihre Mitglieder bleiben. Regeln, die diese Gruppe nennen, gelten nicht mehr für sie.

admin-policy-now = Zurzeit:
admin-policy-hint = Änderungen gelten sofort, für neue Passwörter. Ein leeres Feld setzt eine Einstellung auf den Standard zurück.
admin-policy-length = Mindestlänge
admin-policy-common = Häufige Passwörter ablehnen
admin-policy-breached = Passwörter aus Datenlecks ablehnen
admin-policy-case = Groß- und Kleinbuchstaben verlangen
admin-policy-digit = Eine Ziffer verlangen
admin-policy-special = Ein Sonderzeichen verlangen
admin-policy-history = Frühere Passwörter, die nicht wieder gewählt werden dürfen
admin-policy-expiration = Tage, bis ein Passwort abläuft
admin-policy-attempts = Falsche Passwörter nacheinander, die einen Benutzer sperren
admin-default = Standard
admin-on = An
admin-off = Aus
admin-save-setting = Speichern: { $name }

admin-state = Zustand
admin-backends-hint = In der Reihenfolge, in der sie gefragt werden; so hat dieser Server sie seit seinem Start gesehen.
admin-backend-answers = antwortet
admin-backend-untried = noch nicht gefragt
admin-backend-outage = nicht erreichbar
admin-backend-breaker = nicht erreichbar, wird nur ab und zu gefragt
admin-backend-distrusted = nicht vertrauenswürdig
admin-backend-unrecognised = Ablehnungen werden nicht erkannt
admin-backend-outage-text = Es antwortet seit { $time } nicht; { $n } Anmeldungen brauchten es. Der letzte Versuch scheiterte in der Phase { $phase }.
admin-backend-last = Letzte Antwort vor { $time }: { $verdict } ({ $ms } ms).
admin-backend-proven = Es hat einen erfundenen Benutzer abgelehnt, also zählt sein Ja.
admin-backend-unproven = Es wurde noch nicht mit einem erfundenen Benutzer geprüft.
admin-backend-distrusted-text = Es hat einen erfundenen Benutzer angenommen und wird nicht mehr gefragt.
admin-backend-unrecognised-text = Seine Antwort auf ein falsches Passwort wird nicht erkannt und gilt als Ausfall. Die Anleitung zur Fehlersuche sagt, was hilft.
admin-verdict-accepted = angenommen
admin-verdict-rejected = abgelehnt
admin-verdict-not-mine = für diesen Namen nicht zuständig
admin-verdict-unavailable = konnte nicht gefragt werden
admin-verdict-misconfigured = ist falsch eingestellt
admin-verdict-protocol = hat das Protokoll verletzt
admin-verdict-skipped = wurde nicht gefragt
admin-test = Anmeldung testen
admin-test-hint = Entschieden wird wie bei einer Anmeldung von Ihrer Adresse: Die Grenzen für Fehlversuche gelten, und ein falsches Passwort zählt.
admin-test-backend = Fragen
admin-test-all = Alle Backends in ihrer Reihenfolge
admin-test-try = Versuchen
admin-test-result = Ergebnis
admin-test-authenticated = { $name } würde angemeldet.
admin-test-refused = { $name } würde abgelehnt.
admin-test-throttled = { $name } wurde nicht geprüft: Es gab zu viele fehlgeschlagene Anmeldungen.
admin-test-unavailable = { $name } konnte nicht geprüft werden. Über das Passwort sagt das nichts.
admin-test-rule = Entschieden durch die Regel „{ $rule }“ nach { $ms } ms.
admin-test-again = Neuer Versuch in { $time }.

admin-brute-force-text = Nach { $n } fehlgeschlagenen Anmeldungen von einer Adresse innerhalb von { $time } werden weitere abgelehnt; vorher werden sie immer länger verzögert.
admin-no-failures = Zurzeit zählt keine fehlgeschlagene Anmeldung.
admin-failures = { $n ->
    [one] { $n } fehlgeschlagene Anmeldung
   *[other] { $n } fehlgeschlagene Anmeldungen
}
admin-last-failure = die letzte
admin-wait = die nächste wartet { $time }
admin-refused-now = abgelehnt
admin-release = Freigeben
admin-release-source = { $source } freigeben
admin-locked-users = { $n ->
    [one] { $n } Name hat fehlgeschlagene Anmeldungen, die an diesem Server noch zählen.
   *[other] { $n } Namen haben fehlgeschlagene Anmeldungen, die an diesem Server noch zählen.
}
admin-locked-hint = Welche Namen das sind, wird nicht gespeichert: Es kann ein Passwort im falschen Feld sein.
admin-release-user = Fehlgeschlagene Anmeldungen eines Benutzers vergessen (Name)

admin-pins-hint = Ein Name gehört dem ersten Backend, das ihn angenommen hat. Andere werden nach ihm nicht gefragt.
admin-since = seit
admin-rebind = Einen Namen einem anderen Backend geben
admin-rebind-hint = Von da an entscheidet dieses Backend, wer der Benutzer ist. Alle Sitzungen und App-Passwörter des Benutzers enden.
admin-rebind-to = Backend
admin-rebind-none = Das nächste, das den Namen annimmt

admin-audit-actor = Von wem
admin-audit-action = Was
admin-audit-target = Benutzer, Gruppe oder Name

admin-mail-none = Es ist kein Mailserver eingestellt, also wird keine Mail verschickt.
admin-mail-server = Mails gehen an { $server }.
admin-mail-waiting = { $n ->
    [0] Keine wartet.
    [one] { $n } Mail wartet.
   *[other] { $n } Mails warten.
}
admin-mail-queued = eingereiht
admin-mail-due = nächster Versuch
admin-mail-attempts = { $n ->
    [0] noch nicht versucht
    [one] einmal versucht
   *[other] { $n } Mal versucht
}
admin-mail-test = Testmail
admin-mail-test-hint = Sie geht sofort an den Mailserver, an der Warteschlange vorbei.
admin-mail-send = Eine Testmail schicken

admin-config-hint = So hat der Server sie zuletzt gelesen. Passwörter und Schlüssel fehlen. Zum Ändern bearbeiten Sie die Datei und laden den Server neu.

admin-fail-no-backend = Dieses Backend gibt es nicht.
admin-fail-app-password = Das ist ein App-Passwort. Danach wird kein Backend gefragt.
admin-fail-no-source = Das ist weder eine Adresse noch der Name eines Benutzers.
admin-fail-group-name = Diese Kennung kann keine Gruppe haben.
admin-fail-group-exists = Es gibt schon eine Gruppe mit dieser Kennung.
admin-fail-group-stays = Die Gruppe admin lässt sich nicht löschen.
admin-fail-name = Das kann kein Name sein.
admin-fail-own-pin = Das ist Ihr eigener Name. Ein anderer Administrator kann ihn ändern.
admin-fail-user-exists = Diesen Namen hat schon ein Benutzer, oder er ist gesperrt.
admin-fail-no-group = Diese Gruppe gibt es nicht.
admin-fail-not-yours = Sie verwalten diese Gruppe nicht.
admin-fail-group-needed = Nennen Sie eine Gruppe, die Sie verwalten.
admin-fail-password-or-mail = Geben Sie ein Passwort oder eine E-Mail-Adresse ein.
admin-fail-self = Das geht nicht mit Ihnen selbst und nicht mit dem letzten Administrator.
admin-fail-no-user = Diesen Benutzer gibt es nicht, oder Sie verwalten ihn nicht.
admin-fail-not-removable = Entfernen lassen sich nicht: Sie selbst, der letzte Administrator, und ein Benutzer aus der letzten Gruppe, in der Sie ihn verwalten.
admin-fail-admin-group = Die Gruppe admin hat keine Gruppenverwalter.
admin-fail-no-address = Dieser Benutzer hat keine E-Mail-Adresse.
admin-fail-not-sent = Die Mail konnte nicht verschickt werden. Vielleicht waren es heute zu viele.
