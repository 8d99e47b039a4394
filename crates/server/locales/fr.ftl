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
address-done-text = Elle appartient désormais à votre compte : un mot de passe perdu peut être réinitialisé grâce à elle.
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
token-app-text = Saisissez-le maintenant sur « { $name } », avec l’adresse du serveur et votre nom d’utilisateur. Il n’est affiché que quelques minutes.
token-service-text = Pour « { $name } », avec les portées { $scopes }. Il n’est affiché que quelques minutes : copiez-le maintenant là où le programme garde ses secrets.
token-service-how = Le programme l’envoie dans l’en-tête
server-address = Adresse du serveur
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
flow-scopes = Il doit gérer des utilisateurs pour moi
flow-scopes-hint = Choisissez ce qu’il peut faire : il reçoit alors un jeton de service avec ces portées au lieu du mot de passe d’application d’un appareil. Pour un appareil, ne choisissez rien.
flow-agree = Connecter l’appareil
flow-refuse = Ne pas le connecter
flow-done = Appareil connecté
flow-done-text = Le programme va se connecter de lui-même. Vous pouvez fermer cette fenêtre.
flow-revoke = Il a reçu son propre mot de passe d’application, que vous pouvez révoquer sur la page de votre compte.
flow-full = Trop de mots de passe d’application
flow-full-text = Vous avez 100 mots de passe d’application. Révoquez-en un dont vous ne vous servez plus, puis recommencez dans le programme.
flow-gone = Ce lien n’est plus valable
flow-gone-text = Cette connexion a déjà servi ou a duré plus de 20 minutes. Recommencez dans le programme.

admin = Administration
admin-users = Utilisateurs
admin-policy = Règles des mots de passe
admin-backends = Serveurs d’authentification
admin-brute-force = Protection contre la force brute
admin-pins = Associations
admin-service-tokens = Jetons de service
admin-audit = Journal d’audit
admin-mail = E-mails
admin-config = Configuration
admin-forbidden = Accès refusé
admin-forbidden-text = Votre compte n’a pas les droits nécessaires.
admin-gone = Il n’y a rien ici, ou vous ne l’administrez pas.
admin-back = Retour aux utilisateurs
admin-refused = Cette action a été refusée.
admin-unavailable = Cette action est impossible pour l’instant. Réessayez dans quelques minutes.
admin-confirm-text = Cette modification demande votre mot de passe, car vous l’avez saisi il y a plus de 15 minutes. Rien n’a encore été modifié.
admin-password-again = Saisissez de nouveau le mot de passe du formulaire
admin-keep = Ne rien modifier et revenir
admin-search = Rechercher
admin-all = Tous
admin-none-found = Rien n’a été trouvé.
admin-before = Page précédente
admin-after = Page suivante
admin-older = Entrées plus anciennes
admin-add = Ajouter
admin-remove = Retirer
admin-create = Créer
admin-delete = Supprimer
admin-ms = { $n } ms
admin-done-created = Créé.
admin-done-saved = Enregistré.
admin-done-deleted = Supprimé.
admin-done-enabled = L’utilisateur peut de nouveau se connecter.
admin-done-disabled = L’utilisateur ne peut plus se connecter.
admin-done-password = Le nouveau mot de passe est défini. Les sessions et les mots de passe d’application de l’utilisateur ont pris fin.
admin-done-joined = L’utilisateur fait partie du groupe.
admin-done-left = L’utilisateur ne fait plus partie du groupe.
admin-done-promoted = L’utilisateur administre le groupe.
admin-done-demoted = L’utilisateur n’administre plus le groupe.
admin-done-mailed = L’e-mail est en route.
admin-done-ended = Les sessions ont pris fin.
admin-done-revoked = Le mot de passe d’application est révoqué.
admin-done-wiped = Les mots de passe d’application sont révoqués ; les appareils effacent leurs données à leur prochaine demande.
admin-done-released = Les échecs de connexion sont oubliés.
admin-done-rebound = Le nom appartient maintenant à l’autre serveur.

admin-search-users = Nom, nom affiché ou adresse e-mail
admin-only-disabled = Seulement les utilisateurs désactivés
admin-new-user = Nouvel utilisateur
admin-user-count = { $n ->
    [one] { $n } utilisateur
   *[other] { $n } utilisateurs
}
admin-user-count-more = plus de { $n } utilisateurs
admin-disabled = désactivé
admin-last-login = Dernière connexion
admin-never = Jamais connecté
admin-not-yours = non administré par vous
admin-from-backend = se connecte avec { $backend }
admin-user-name-hint = Le nom avec lequel l’utilisateur se connecte. Il ne peut pas être modifié ensuite.
admin-address-confirmed = Je sais que cette adresse est celle de l’utilisateur
admin-password-optional = Mot de passe (facultatif)
admin-password-mail = Sans mot de passe, un lien pour en choisir un est envoyé par e-mail.
admin-groups-hint = Séparés par des virgules.
admin-quota = Quota
admin-quota-new = Nouveau quota (facultatif)
admin-quota-hint = Par exemple 5 GB, none pour aucune limite, ou default.
admin-unlimited = illimité
admin-access = Accès
admin-no-groups = Dans aucun groupe.
admin-leave-group = Retirer du groupe { $group }
admin-add-to-group = Ajouter à un groupe
admin-administers = Groupes que cet utilisateur administre
admin-administers-none = Aucun.
admin-demote-group = N’administre plus { $group }
admin-promote = Laisser cet utilisateur administrer un groupe
admin-password-hint = Les sessions et les mots de passe d’application de l’utilisateur prennent fin.
admin-kept-elsewhere = Le mot de passe de cet utilisateur est conservé par un autre serveur et ne peut être changé que là-bas :
admin-send-reset = Envoyer un e-mail de réinitialisation
admin-send-welcome = Envoyer l’e-mail de bienvenue
admin-unlock = Oublier les échecs de connexion
admin-disable = Désactiver
admin-enable = Activer
admin-delete-user = Supprimer cet utilisateur
admin-delete-user-ask = Supprimer l’utilisateur { $user } ?
admin-delete-user-text = Le compte est supprimé avec toutes ses sessions et tous ses mots de passe d’application. C’est définitif. Un utilisateur dont un autre serveur vérifie le mot de passe reçoit un nouveau compte vide à la prochaine connexion.
admin-ban = Bannir le nom : il n’ouvre rien jusqu’à ce qu’un administrateur lève l’interdiction
admin-no-sessions = Aucune session ouverte.
admin-end-all = Terminer toutes les sessions
admin-wipe-link = Révoquer tous les mots de passe d’application et effacer les appareils
admin-wipe-ask = Effacer les appareils de { $user } ?
admin-wipe-text = Tous les mots de passe d’application sont révoqués. Les programmes qui le permettent effacent les données de ce compte de leur appareil à leur prochaine demande.
admin-wipe = Effacer les appareils

admin-search-groups = Identifiant ou nom affiché
admin-new-group = Nouveau groupe
admin-group-id = Identifiant du groupe
admin-group-id-hint = Il ne peut pas être modifié ensuite.
admin-members = Membres
admin-remove-user = Retirer { $user } du groupe
admin-add-user = Ajouter un utilisateur (nom)
admin-sub-admins = Sous-administrateurs
admin-sub-admins-hint = Ils administrent les membres de ce groupe.
admin-demote-user = { $user } n’administre plus le groupe
admin-add-sub-admin = Ajouter un sous-administrateur (nom)
admin-name-of = Nom affiché de { $id }
admin-delete-group = Supprimer ce groupe
admin-delete-group-ask = Supprimer le groupe { $group } ?
admin-delete-group-text = Ses membres restent. Les règles qui nomment ce groupe ne s’appliquent plus à eux.

admin-policy-now = Actuellement :
admin-policy-hint = Les modifications valent tout de suite, pour les nouveaux mots de passe. Un champ vide rétablit la valeur par défaut.
admin-policy-length = Longueur minimale
admin-policy-common = Refuser les mots de passe courants
admin-policy-breached = Refuser les mots de passe issus de fuites
admin-policy-case = Exiger des majuscules et des minuscules
admin-policy-digit = Exiger un chiffre
admin-policy-special = Exiger un caractère spécial
admin-policy-history = Anciens mots de passe qui ne peuvent pas être repris
admin-policy-expiration = Jours avant l’expiration d’un mot de passe
admin-policy-attempts = Mots de passe erronés de suite qui bloquent un utilisateur
admin-default = Par défaut
admin-on = Activé
admin-off = Désactivé
admin-save-setting = Enregistrer : { $name }

admin-state = État
admin-backends-hint = Dans l’ordre où ils sont interrogés, tels que ce serveur les a vus depuis son démarrage.
admin-backend-answers = répond
admin-backend-untried = pas encore interrogé
admin-backend-outage = indisponible
admin-backend-breaker = indisponible, disjoncteur ouvert
admin-backend-distrusted = pas fiable
admin-backend-unrecognised = refus non reconnus
admin-backend-outage-text = Il ne répond pas depuis { $time } ; { $n } connexions en avaient besoin. La dernière tentative a échoué pendant la phase { $phase }.
admin-backend-last = Dernière réponse il y a { $time } : { $verdict } ({ $ms } ms).
admin-backend-proven = Il a refusé un utilisateur inventé, donc son oui compte.
admin-backend-unproven = Il n’a pas encore été essayé avec un utilisateur inventé.
admin-backend-distrusted-text = Il a accepté un utilisateur inventé : il n’est plus interrogé.
admin-backend-unrecognised-text = Sa réponse à un mot de passe erroné n’est pas reconnue et compte comme une panne. La documentation de dépannage dit que faire.
admin-verdict-accepted = accepté
admin-verdict-rejected = refusé
admin-verdict-not-mine = pas responsable de ce nom
admin-verdict-unavailable = n’a pas pu être interrogé
admin-verdict-misconfigured = est mal configuré
admin-verdict-protocol = n’a pas respecté le protocole
admin-verdict-skipped = n’a pas été interrogé
admin-test = Connexion d’essai
admin-test-hint = Elle est décidée comme une connexion depuis votre adresse : les limites valent, et un mot de passe erroné compte.
admin-test-backend = Interroger
admin-test-all = Tous, dans leur ordre
admin-test-try = Essayer
admin-test-result = Résultat
admin-test-authenticated = { $name } serait connecté.
admin-test-refused = { $name } serait refusé.
admin-test-throttled = { $name } n’a pas été vérifié : il y a eu trop d’échecs de connexion.
admin-test-unavailable = { $name } n’a pas pu être vérifié. Cela ne dit rien du mot de passe.
admin-test-rule = Décidé par la règle « { $rule } » après { $ms } ms.
admin-test-again = Réessayez dans { $time }.

admin-brute-force-text = Après { $n } échecs de connexion depuis une adresse en { $time }, les suivants sont refusés ; avant cela, ils sont retardés de plus en plus.
admin-no-failures = Aucun échec de connexion ne compte en ce moment.
admin-failures = { $n ->
    [one] { $n } échec de connexion
   *[other] { $n } échecs de connexion
}
admin-last-failure = le dernier
admin-wait = la prochaine connexion attend { $time }
admin-refused-now = refusé
admin-release = Libérer
admin-release-source = Libérer { $source }
admin-locked-users = { $n ->
    [one] { $n } nom a des échecs de connexion qui comptent encore sur ce serveur.
   *[other] { $n } noms ont des échecs de connexion qui comptent encore sur ce serveur.
}
admin-locked-hint = On ne garde pas lesquels : ce qui a été saisi peut être un mot de passe dans le mauvais champ.
admin-release-user = Oublier les échecs de connexion d’un utilisateur (nom)

admin-pins-hint = Un nom appartient au premier serveur qui l’a accepté. Aucun autre n’est interrogé à son sujet.
admin-since = depuis
admin-rebind = Donner un nom à un autre serveur
admin-rebind-hint = Ce serveur décide dès lors qui est cet utilisateur. Toutes ses sessions et tous ses mots de passe d’application prennent fin.
admin-rebind-to = Serveur
admin-rebind-none = Le prochain qui accepte le nom

admin-audit-actor = Par qui
admin-audit-action = Quoi
admin-audit-target = Utilisateur, groupe ou nom

admin-mail-none = Aucun serveur de messagerie n’est configuré : aucun e-mail n’est envoyé.
admin-mail-server = Les e-mails vont à { $server }.
admin-mail-waiting = { $n ->
    [0] Aucun n’attend.
    [one] { $n } e-mail attend.
   *[other] { $n } e-mails attendent.
}
admin-mail-queued = mis en file
admin-mail-due = prochaine tentative
admin-mail-attempts = { $n ->
    [0] pas encore tenté
    [one] tenté une fois
   *[other] tenté { $n } fois
}
admin-mail-test = E-mail d’essai
admin-mail-test-hint = Il est remis tout de suite au serveur de messagerie, sans passer par la file.
admin-mail-send = Envoyer un e-mail d’essai

admin-config-hint = Telle que le serveur l’a lue en dernier, sans les mots de passe ni les clés. Pour la modifier, éditez le fichier et rechargez le serveur.

admin-fail-no-backend = Ce serveur n’existe pas.
admin-fail-app-password = C’est un mot de passe d’application. Aucun serveur n’est jamais interrogé à ce sujet.
admin-fail-no-source = Ce n’est ni une adresse ni le nom d’un utilisateur.
admin-fail-group-name = Aucun groupe ne peut avoir cet identifiant.
admin-fail-group-exists = Il y a déjà un groupe avec cet identifiant.
admin-fail-group-stays = Le groupe admin ne peut pas être supprimé.
admin-fail-name = Ce texte ne peut pas être un nom.
admin-fail-own-pin = C’est votre propre nom. Un autre administrateur peut le modifier.
admin-fail-user-exists = Un utilisateur porte déjà ce nom, ou le nom est banni.
admin-fail-no-group = Ce groupe n’existe pas.
admin-fail-not-yours = Vous n’administrez pas ce groupe.
admin-fail-group-needed = Nommez un groupe que vous administrez.
admin-fail-password-or-mail = Saisissez un mot de passe ou une adresse e-mail.
admin-fail-self = C’est impossible pour vous-même et pour le dernier administrateur.
admin-fail-no-user = Cet utilisateur n’existe pas, ou vous ne l’administrez pas.
admin-fail-not-removable = Vous ne pouvez retirer ni vous-même, ni le dernier administrateur, ni un utilisateur du dernier groupe dans lequel vous l’administrez.
admin-fail-admin-group = Le groupe admin n’a pas de sous-administrateurs.
admin-fail-no-address = Cet utilisateur n’a pas d’adresse e-mail.
admin-fail-not-sent = L’e-mail n’a pas pu être envoyé. Il y en a peut-être eu trop aujourd’hui.
