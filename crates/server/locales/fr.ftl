# Textes des pages en français.

error-prefix = Erreur
show-password = Afficher le mot de passe
hide-password = Masquer le mot de passe
copy = Copier
copied = Copié
imprint = Mentions légales
privacy = Confidentialité
help = Aide
back-to-sign-in = Retour à la connexion
go-to-account = Aller à votre compte
signed-in-as = Vous êtes connecté en tant que

sign-in = Se connecter
sign-out = Se déconnecter
name = Nom
name-or-address = Nom ou adresse e-mail
password = Mot de passe
stay-signed-in = Rester connecté sur cet appareil
stay-signed-in-hint = Pendant { $days } jours. Uniquement sur un appareil que vous êtes seul à utiliser.
forgot = Mot de passe oublié ?
wrong-password = Mot de passe incorrect.
reset-it = Le réinitialiser ?
done-password = Votre mot de passe a été changé. Connectez-vous avec le nouveau.
done-reset = Votre mot de passe est défini. Connectez-vous maintenant avec lui. Les sessions ouvertes ont pris fin.
done-out = Vous êtes déconnecté.
form-expired = Cette page est restée ouverte trop longtemps, ou votre navigateur n’a pas envoyé de cookie. Réessayez.
too-many-source = Il y a eu trop de tentatives de connexion depuis cette adresse réseau.
too-many-user = Il y a eu trop de tentatives de connexion avec ce nom d’utilisateur.
too-many-backend = Il y a eu trop d’échecs de connexion au serveur qui vérifie ce mot de passe.
try-again-in = Réessayez dans { $wait }. Votre mot de passe est peut-être correct.
unavailable = Les mots de passe ne peuvent pas être vérifiés pour le moment. Le vôtre est peut-être correct. Réessayez dans quelques minutes.
wait-seconds = { $n ->
    [one] { $n } seconde
   *[other] { $n } secondes
}
wait-minutes = { $n ->
    [one] { $n } minute
   *[other] { $n } minutes
}
wait-hours = { $n ->
    [one] { $n } heure
   *[other] { $n } heures
}
confirm-title = Confirmez votre mot de passe
confirm-text = Pour continuer, saisissez de nouveau votre mot de passe.
confirm = Confirmer
sign-out-ask = Se déconnecter ?
back-to-account = Retour à votre compte

forgot-text = Saisissez votre nom ou votre adresse e-mail confirmée. Nous envoyons un lien pour choisir un nouveau mot de passe à l’adresse e-mail confirmée de votre compte.
send-link = Envoyer un lien
sent-title = Consultez votre messagerie
sent-text = S’il existe un compte avec ce nom ou cette adresse e-mail confirmée, nous avons envoyé un message à son adresse confirmée. Il contient un lien pour choisir un nouveau mot de passe, ou indique où le mot de passe du compte est conservé.
sent-hint = Votre mot de passe n’a pas changé. Si aucun message n’arrive, regardez dans les indésirables ou demandez à un administrateur.
too-many-requests = Trop de demandes sont venues de votre adresse réseau. Réessayez dans { $wait }.
reset-disabled = La réinitialisation des mots de passe est désactivée
reset-disabled-hint = Demandez un nouveau mot de passe à un administrateur.
welcome = Bienvenue
welcome-text = Choisissez un mot de passe pour votre compte :
choose-password = Choisissez un nouveau mot de passe
choose-password-text = Pour ce compte :
choose-password-hint = Toutes les sessions et tous les mots de passe d’application du compte prennent fin.
new-password = Nouveau mot de passe
repeat-password = Répétez le mot de passe
set-password = Définir le mot de passe
passwords-differ = Les deux mots de passe sont différents.
password-empty = Saisissez un mot de passe.
password-impossible = Ce texte ne peut pas être un mot de passe : { $why }.
link-broken = Ce lien ne fonctionne pas
link-invalid = Le lien n’est pas valable.
link-invalid-hint = Un lien sert une seule fois, et seul le plus récent fonctionne. Une connexion, une autre adresse e-mail ou un nouveau mot de passe y met fin également.
link-expired = Le lien a expiré.
link-expired-hint = Un lien fonctionne pour une durée limitée.
link-again = Demander un autre lien
too-many-links = Trop de liens erronés ont été essayés depuis votre adresse réseau. Réessayez dans { $wait }.
busy-link = Le serveur est surchargé. Votre lien reste valable : réessayez dans une minute.
reset-failed = Rien n’a été changé. Réessayez plus tard.

address-title = Confirmez votre adresse e-mail
address-ask = Est-ce l’adresse e-mail de votre compte ?
account = Compte
address-hint = Si vous ne connaissez pas ce compte, fermez cette page. Rien ne changera.
address-done = Votre adresse e-mail est confirmée
address-done-text = { $address } est maintenant l’adresse e-mail du compte { $user }.
address-link-hint = Un lien sert une seule fois et pour une durée limitée, et seul le plus récent fonctionne. Un nouveau mot de passe ou une autre adresse y met fin également.
address-link-again = Pour recevoir un autre lien, connectez-vous et enregistrez de nouveau votre adresse e-mail.
address-taken = Cette adresse ne peut pas être confirmée
address-taken-text = Un autre compte utilise cette adresse e-mail. Pour l’utiliser ici, supprimez-la d’abord là-bas.

https-title = HTTPS requis
https-text = Les mots de passe ne sont pas acceptés par HTTP non chiffré : n’importe qui sur le trajet pourrait les lire.
https-link = Aller à la page chiffrée
not-found = Page introuvable
not-found-text = Il n’y a pas de page à cette adresse. Elle est peut-être mal écrite, ou la page a été déplacée.
expired-title = Cette page a expiré
expired-text = La page est restée ouverte trop longtemps, le formulaire vient d’un autre site, ou votre navigateur bloque les cookies. Rien n’a été changé.
start-over = Recommencer
invalid-form = Formulaire non valable
invalid-form-text = Un champ a été envoyé deux fois, n’est pas du texte ou est trop long.
temporarily-unavailable = Momentanément indisponible
busy = Le serveur est surchargé. Réessayez dans un instant.
went-wrong = Une erreur s’est produite
accounts-unavailable = Les comptes sont indisponibles. Réessayez plus tard.

your-account = Votre compte
sections = Sections de cette page
profile = Profil
display-name = Nom affiché
display-name-hint = Le nom que les autres voient. Laissez vide pour afficher votre nom d’utilisateur.
language = Langue
language-browser = Comme dans le navigateur
save = Enregistrer
mail-address = Adresse e-mail
groups = Groupes
role = Rôle
role-admin = Administrateur
role-sub-admin = Administre { $groups }
signs-in-with = Connexion par
this-server = ce serveur
none = aucun
confirmed-is = confirmée : { $address }
pending = non confirmée
address-pending = Votre adresse e-mail n’est pas confirmée. Elle ne permet ni de vous connecter ni de réinitialiser un mot de passe oublié.
address-pending-again = Enregistrez-la de nouveau pour recevoir un autre lien.
address-pending-ask = Demandez à un administrateur de la confirmer.
your-password = Votre mot de passe
save-address = Enregistrer l’adresse e-mail
address-new-hint = Une nouvelle adresse est utilisée dès que vous avez suivi le lien que nous lui envoyons.
address-remove-hint = Laissez vide pour supprimer votre adresse.
kept-elsewhere = Votre mot de passe est conservé par un autre serveur et ne peut être changé que là-bas :
change-there = Le changer ou le réinitialiser là-bas
current-password = Mot de passe actuel
repeat-new-password = Répétez le nouveau mot de passe
change-password = Changer le mot de passe
change-password-hint = Vous serez déconnecté partout. Reconnectez-vous avec le nouveau mot de passe.
change-password-hint-all = Vous serez déconnecté partout, et tous vos mots de passe d’application seront révoqués. Reconnectez-vous avec le nouveau mot de passe.
sessions = Sessions
sessions-hint = Les navigateurs dans lesquels vous êtes connecté.
this-session = celle-ci
unknown-address = adresse inconnue
unknown-browser = Navigateur inconnu
browser-on = { $browser } sur { $system }
signed-in = connexion
last-seen = vue
last-used = utilisé
from = depuis
never-used = jamais utilisé
made = créé
ends = prend fin
end = Terminer
end-session = Terminer la session de { $browser }, vue { $seen }
end-others = Terminer toutes les autres sessions
more-sessions = { $n ->
    [one] { $n } autre session
   *[other] { $n } autres sessions
}
ago-now = à l’instant
ago-minutes = { $n ->
    [one] il y a { $n } minute
   *[other] il y a { $n } minutes
}
ago-hours = { $n ->
    [one] il y a { $n } heure
   *[other] il y a { $n } heures
}
ago-days = { $n ->
    [one] hier
   *[other] il y a { $n } jours
}
devices = Appareils et programmes
devices-admin = Appareils, programmes et jetons de service
devices-hint = Chacun reçoit son propre mot de passe d’application, que vous pouvez révoquer séparément. Ces mots de passe ne fonctionnent pas sur cette page.
no-devices = Pas encore de mot de passe d’application.
service-token = jeton de service
being-wiped = effacement en cours
may = peut
revoke = Révoquer
revoke-token = Révoquer le mot de passe d’application { $name }
connect-device = Connecter un appareil ou un programme
device-name = Nom de l’appareil ou du programme
device-name-hint = Par exemple « Téléphone ». Il vous dira plus tard lequel révoquer.
make-app-password = Créer un mot de passe d’application
service-title = Nouveau jeton de service
service-hint = Pour un script ou un programme qui travaille seul. Il agit en votre nom, au plus avec vos droits, et ne fait que ce que ses portées permettent.
service-name = À quoi il sert
service-name-hint = Par exemple « Rapport de nuit ».
scopes = Portées
frontends = Accès où il peut se connecter (facultatif)
frontends-hint = Noms séparés par des espaces.
networks = Réseaux depuis lesquels il travaille (facultatif)
networks-hint = Par exemple 10.0.0.0/8, séparés par des espaces.
expires = Quand il prend fin (facultatif)
expires-hint = Un jour comme 2027-01-31 ou une durée comme 90d.
make-service-token = Créer un jeton de service
scope-admin = nommer des administrateurs et des sous-administrateurs
scope-apps = activer et configurer des applications
scope-groups-read = lister les groupes et leurs membres
scope-groups-write = modifier les groupes et leurs membres
scope-users-credentials = définir des mots de passe et des adresses e-mail
scope-users-read = lister les utilisateurs et lire leurs données
scope-users-write = créer, modifier et supprimer des utilisateurs
token-app-title = Nouveau mot de passe d’application
token-service-title = Nouveau jeton de service
token-app-text = Saisissez-le maintenant sur « { $name } », avec votre nom d’utilisateur. Il n’est affiché que quelques minutes.
token-service-text = Pour « { $name } », avec les portées { $scopes }. Il n’est affiché que quelques minutes : copiez-le maintenant là où le programme garde ses secrets.
token-service-how = Le programme l’envoie dans l’en-tête
app-password = Mot de passe d’application
service-token-title = Jeton de service
user-name = Nom d’utilisateur
scan = Ou scannez-le avec l’appareil photo de l’appareil :
scan-label = Le mot de passe d’application sous forme de code QR
done = Terminé
done-ended = La session est terminée.
done-others = Toutes les autres sessions sont terminées.
done-profile = Votre profil est enregistré.
done-revoked = Le mot de passe d’application est révoqué.
done-email = Votre adresse e-mail est enregistrée.
done-email-link = Votre adresse e-mail est enregistrée. Suivez le lien du message qui lui a été envoyé pour la confirmer.
done-email-ask = Votre adresse e-mail est enregistrée. Un administrateur doit la confirmer.
kept-elsewhere-refused = Votre mot de passe est conservé par un autre serveur et ne peut pas être changé ici.
password-later = Le mot de passe n’a pas pu être défini. Réessayez plus tard.
address-fixed = Votre adresse e-mail est définie par votre administrateur.
name-fixed = Votre nom affiché est défini par votre administrateur.
name-bad = Ce nom affiché est trop long ou contient des caractères qui ne peuvent pas être affichés.
language-bad = Choisissez l’une des langues.
address-bad = Ce n’est pas une adresse e-mail. Rien n’a été changé.
grace-refused = Rien ne peut être changé tant que le serveur qui vérifie votre mot de passe est injoignable. Reconnectez-vous plus tard.
too-many-app-passwords = Vous avez 100 mots de passe d’application. Révoquez d’abord celui que vous n’utilisez plus.
too-many-tokens = Vous avez 100 mots de passe d’application et jetons de service. Révoquez d’abord celui que vous n’utilisez plus.
app-name-bad = Saisissez un nom plus court pour le mot de passe d’application, sur une ligne.
only-admins = Seuls les administrateurs créent des jetons de service.

rules-none = Aucune règle ne s’applique.
rules-length = Au moins { $n } caractères
rules-case = des majuscules et des minuscules
rules-digit = un chiffre
rules-special = un caractère spécial
rules-common = pas un mot de passe courant

flow-title = Connecter un appareil
flow-from = La demande vient de l’adresse { $address } :
flow-wants = Ce programme souhaite utiliser votre compte { $user } :
flow-text = N’acceptez que si vous venez de lancer vous-même cette connexion : le programme reçoit son propre mot de passe d’application, avec lequel il se connecte en votre nom jusqu’à ce que vous le révoquiez.
flow-agree = Connecter l’appareil
flow-refuse = Ne pas le connecter
flow-done = Appareil connecté
flow-done-text = Le programme va se connecter de lui-même. Vous pouvez fermer cette fenêtre.
flow-revoke = Il a reçu son propre mot de passe d’application, que vous pouvez révoquer sur la page de votre compte.
flow-full = Trop de mots de passe d’application
flow-full-text = Vous avez 100 mots de passe d’application. Révoquez-en un dont vous ne vous servez plus, puis recommencez dans le programme.
flow-gone = Ce lien n’est plus valable
flow-gone-text = Cette connexion a déjà servi ou a duré plus de 20 minutes. Recommencez dans le programme.
