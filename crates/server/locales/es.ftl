# Textos de las páginas en español.

error-prefix = Error
show-password = Mostrar la contraseña
hide-password = Ocultar la contraseña
copy = Copiar
copied = Copiado
imprint = Aviso legal
privacy = Privacidad
help = Ayuda
back-to-sign-in = Volver al inicio de sesión
go-to-account = Ir a su cuenta
signed-in-as = Ha iniciado sesión como

sign-in = Iniciar sesión
sign-out = Cerrar sesión
name = Nombre
name-or-address = Nombre o dirección de correo
password = Contraseña
stay-signed-in = Mantener la sesión en este dispositivo
stay-signed-in-hint = Durante { $days } días. Solo en un dispositivo que nadie más use.
forgot = ¿Ha olvidado su contraseña?
wrong-password = Contraseña incorrecta.
reset-it = ¿Restablecerla?
done-password = Su contraseña se ha cambiado. Inicie sesión con la nueva.
done-reset = Su contraseña está definida. Inicie sesión ahora con ella. Las sesiones abiertas han terminado.
done-out = Ha cerrado la sesión.
form-expired = Esta página estuvo abierta demasiado tiempo, o su navegador no envió ninguna cookie. Inténtelo de nuevo.
too-many-source = Ha habido demasiados intentos de inicio de sesión desde esta dirección de red.
too-many-user = Ha habido demasiados intentos de inicio de sesión con este nombre de usuario.
too-many-backend = Ha habido demasiados inicios de sesión fallidos en el servidor que comprueba esta contraseña.
try-again-in = Inténtelo de nuevo en { $wait }. Su contraseña puede ser correcta.
unavailable = Las contraseñas no se pueden comprobar ahora. La suya puede ser correcta. Inténtelo de nuevo en unos minutos.
wait-seconds = { $n ->
    [one] { $n } segundo
   *[other] { $n } segundos
}
wait-minutes = { $n ->
    [one] { $n } minuto
   *[other] { $n } minutos
}
wait-hours = { $n ->
    [one] { $n } hora
   *[other] { $n } horas
}
confirm-title = Confirme su contraseña
confirm-text = Para continuar, introduzca su contraseña de nuevo.
confirm = Confirmar
sign-out-ask = ¿Cerrar sesión?
back-to-account = Volver a su cuenta

forgot-text = Introduzca su nombre o su dirección de correo confirmada. Enviamos un enlace para elegir una contraseña nueva a la dirección de correo confirmada de su cuenta.
send-link = Enviar un enlace
sent-title = Revise su correo
sent-text = Si hay una cuenta con este nombre o esta dirección de correo confirmada, hemos enviado un mensaje a su dirección confirmada. Contiene un enlace para elegir una contraseña nueva, o dice dónde se guarda la contraseña de la cuenta.
sent-hint = Su contraseña no ha cambiado. Si no llega ningún mensaje, mire en la carpeta de correo no deseado o pregunte a la administración.
too-many-requests = Han llegado demasiadas solicitudes desde su dirección de red. Inténtelo de nuevo en { $wait }.
reset-disabled = El restablecimiento de contraseñas está desactivado
reset-disabled-hint = Pida una contraseña nueva a la administración.
welcome = Bienvenida
welcome-text = Elija una contraseña para su cuenta:
choose-password = Elija una contraseña nueva
choose-password-text = Para esta cuenta:
choose-password-hint = Todas las sesiones y contraseñas de aplicación de la cuenta terminan.
new-password = Contraseña nueva
repeat-password = Repita la contraseña
set-password = Definir la contraseña
passwords-differ = Las dos contraseñas son distintas.
password-empty = Introduzca una contraseña.
password-impossible = Este texto no puede ser una contraseña: { $why }.
link-broken = Este enlace no funciona
link-invalid = El enlace no es válido.
link-invalid-hint = Un enlace sirve una sola vez, y solo el más reciente. Iniciar sesión, otra dirección de correo o una contraseña nueva también lo anulan.
link-expired = El enlace ha caducado.
link-expired-hint = Un enlace funciona durante un tiempo limitado.
link-again = Pedir otro enlace
too-many-links = Se han probado demasiados enlaces erróneos desde su dirección de red. Inténtelo de nuevo en { $wait }.
busy-link = El servidor está ocupado. Su enlace sigue siendo válido: inténtelo de nuevo en un minuto.
reset-failed = No se ha cambiado nada. Inténtelo más tarde.

address-title = Confirme su dirección de correo
address-ask = ¿Es esta la dirección de correo de su cuenta?
account = Cuenta
address-hint = Si no conoce esta cuenta, cierre esta página. No cambiará nada.
address-done = Su dirección de correo está confirmada
address-done-text = Ahora pertenece a su cuenta: con ella se puede restablecer una contraseña perdida.
address-link-hint = Un enlace sirve una sola vez y durante un tiempo limitado, y solo el más reciente. Una contraseña nueva u otra dirección también lo anulan.
address-link-again = Para recibir otro enlace, inicie sesión y guarde de nuevo su dirección de correo.
address-taken = Esta dirección no se puede confirmar
address-taken-text = Otra cuenta usa esta dirección de correo. Para usarla aquí, quítela primero allí.

https-title = Se requiere HTTPS
https-text = No se aceptan contraseñas por HTTP sin cifrar: cualquiera en el camino podría leerlas.
https-link = Ir a la página cifrada
not-found = Página no encontrada
not-found-text = No hay ninguna página en esta dirección. Puede estar mal escrita, o la página se ha trasladado.
expired-title = Esta página ha caducado
expired-text = La página estuvo abierta demasiado tiempo, el formulario vino de otro sitio, o su navegador bloquea las cookies. No se ha cambiado nada.
start-over = Empezar de nuevo
invalid-form = Formulario no válido
invalid-form-text = Un campo se envió dos veces, no es texto o es demasiado largo.
temporarily-unavailable = No disponible por el momento
busy = El servidor está ocupado. Inténtelo de nuevo en un momento.
went-wrong = Algo ha ido mal
accounts-unavailable = Las cuentas no están disponibles. Inténtelo más tarde.

your-account = Su cuenta
sections = Secciones de esta página
profile = Perfil
display-name = Nombre visible
display-name-hint = Cómo le ven los demás. Déjelo vacío para mostrar su nombre de usuario.
language = Idioma
language-browser = Como en el navegador
save = Guardar
mail-address = Dirección de correo
groups = Grupos
role = Función
role-admin = Administración
role-sub-admin = Administra { $groups }
signs-in-with = Inicia sesión con
this-server = este servidor
none = ninguno
confirmed-is = confirmada: { $address }
pending = sin confirmar
address-pending = Su dirección de correo no está confirmada. No sirve para iniciar sesión ni para restablecer una contraseña olvidada.
address-pending-again = Guárdela de nuevo para recibir otro enlace.
address-pending-ask = Pida a la administración que la confirme.
your-password = Su contraseña
save-address = Guardar la dirección de correo
address-new-hint = Una dirección nueva se usa cuando ha seguido el enlace que le enviamos.
address-remove-hint = Déjela vacía para quitar su dirección.
kept-elsewhere = Su contraseña se guarda en otro servidor y solo se puede cambiar allí:
change-there = Cambiarla o restablecerla allí
current-password = Contraseña actual
repeat-new-password = Repita la contraseña nueva
change-password = Cambiar la contraseña
change-password-hint = Se cerrará su sesión en todas partes. Vuelva a iniciarla con la contraseña nueva.
change-password-hint-all = Se cerrará su sesión en todas partes, y se revocarán todas sus contraseñas de aplicación. Vuelva a iniciarla con la contraseña nueva.
sessions = Sesiones
sessions-hint = Navegadores en los que ha iniciado sesión.
this-session = esta
unknown-address = dirección desconocida
unknown-browser = Navegador desconocido
browser-on = { $browser } en { $system }
signed-in = inicio de sesión
last-seen = última visita
last-used = último uso
from = desde
never-used = nunca usada
made = creada
ends = termina
end = Terminar
end-session = Terminar la sesión de { $browser }, última visita { $seen }
end-others = Terminar todas las demás sesiones
more-sessions = { $n ->
    [one] { $n } sesión más
   *[other] { $n } sesiones más
}
ago-now = ahora mismo
ago-minutes = { $n ->
    [one] hace { $n } minuto
   *[other] hace { $n } minutos
}
ago-hours = { $n ->
    [one] hace { $n } hora
   *[other] hace { $n } horas
}
ago-days = { $n ->
    [one] ayer
   *[other] hace { $n } días
}
devices = Dispositivos y programas
devices-admin = Dispositivos, programas y tokens de servicio
devices-hint = Cada uno recibe su propia contraseña de aplicación, que puede revocar por separado. Estas contraseñas no funcionan en esta página.
no-devices = Aún no hay contraseñas de aplicación.
service-token = token de servicio
being-wiped = borrándose
may = puede
revoke = Revocar
revoke-token = Revocar la contraseña de aplicación { $name }
connect-device = Conectar un dispositivo o programa
device-name = Nombre del dispositivo o programa
device-name-hint = Por ejemplo «Teléfono». Le dirá más tarde cuál revocar.
make-app-password = Crear una contraseña de aplicación
service-title = Nuevo token de servicio
service-hint = Para un script o un programa que trabaja solo. Actúa en su nombre, como mucho con sus derechos, y hace solo lo que permiten sus ámbitos.
service-name = Para qué es
service-name-hint = Por ejemplo «Informe nocturno».
scopes = Ámbitos
frontends = Accesos en los que puede iniciar sesión (opcional)
frontends-hint = Nombres separados por espacios.
networks = Redes desde las que trabaja (opcional)
networks-hint = Por ejemplo 10.0.0.0/8, separadas por espacios.
expires = Cuándo termina (opcional)
expires-hint = Un día como 2027-01-31 o una duración como 90d.
make-service-token = Crear un token de servicio
scope-admin = nombrar administradores y subadministradores
scope-apps = activar y configurar aplicaciones
scope-groups-read = listar los grupos y sus miembros
scope-groups-write = cambiar los grupos y sus miembros
scope-users-credentials = definir contraseñas y direcciones de correo
scope-users-read = listar usuarios y leer sus datos
scope-users-write = crear, cambiar y eliminar usuarios
token-app-title = Nueva contraseña de aplicación
token-service-title = Nuevo token de servicio
token-app-text = Introdúzcala ahora en «{ $name }», junto con la dirección del servidor y su nombre de usuario. Se muestra solo unos minutos.
token-service-text = Para «{ $name }», con los ámbitos { $scopes }. Se muestra solo unos minutos: cópielo ahora donde el programa guarda sus secretos.
token-service-how = El programa lo envía en la cabecera
server-address = Dirección del servidor
app-password = Contraseña de aplicación
service-token-title = Token de servicio
user-name = Nombre de usuario
scan = O escanéela con la cámara del dispositivo:
scan-label = La contraseña de aplicación como código QR
done = Listo
done-ended = La sesión ha terminado.
done-others = Todas las demás sesiones han terminado.
done-profile = Su perfil está guardado.
done-revoked = La contraseña de aplicación está revocada.
done-email = Su dirección de correo está guardada.
done-email-link = Su dirección de correo está guardada. Siga el enlace del mensaje que se le ha enviado para confirmarla.
done-email-ask = Su dirección de correo está guardada. La administración debe confirmarla.
kept-elsewhere-refused = Su contraseña se guarda en otro servidor y no se puede cambiar aquí.
password-later = La contraseña no se pudo definir ahora. Inténtelo más tarde.
address-fixed = Su dirección de correo la define la administración.
name-fixed = Su nombre visible lo define la administración.
name-bad = Este nombre visible es demasiado largo o contiene caracteres que no se pueden mostrar.
language-bad = Elija uno de los idiomas.
address-bad = Esto no es una dirección de correo. No se ha cambiado nada.
grace-refused = No se puede cambiar nada mientras el servidor que comprueba su contraseña no esté disponible. Inicie sesión más tarde.
too-many-app-passwords = Tiene 100 contraseñas de aplicación. Revoque primero una que ya no use.
too-many-tokens = Tiene 100 contraseñas de aplicación y tokens de servicio. Revoque primero uno que ya no use.
app-name-bad = Introduzca un nombre más corto para la contraseña de aplicación, en una línea.
only-admins = Solo la administración crea tokens de servicio.

rules-none = No se aplican reglas.
rules-length = Al menos { $n } caracteres
rules-case = mayúsculas y minúsculas
rules-digit = una cifra
rules-special = un carácter especial
rules-common = que no sea una contraseña habitual

flow-title = Iniciar sesión en un dispositivo
flow-from = La solicitud viene de la dirección { $address }:
flow-wants = Este programa quiere usar su cuenta { $user }:
flow-text = Acepte solo si lo acaba de iniciar usted: el programa recibe una contraseña de aplicación propia, con la que inicia sesión en su nombre hasta que usted la revoque.
flow-scopes = Debe administrar usuarios en mi nombre
flow-scopes-hint = Elija lo que puede hacer y recibirá un token de servicio con esos ámbitos en lugar de la contraseña de aplicación de un dispositivo. Para un dispositivo, no elija nada.
flow-agree = Iniciar sesión en el dispositivo
flow-refuse = No iniciar sesión
flow-done = Sesión iniciada en el dispositivo
flow-done-text = El programa iniciará la sesión por sí mismo en un momento. Puede cerrar esta ventana.
flow-revoke = Ha recibido una contraseña de aplicación propia, que puede revocar en la página de su cuenta.
flow-full = Demasiadas contraseñas de aplicación
flow-full-text = Tiene 100 contraseñas de aplicación. Revoque una que ya no use y vuelva a empezar en el programa.
flow-gone = El enlace ya no es válido
flow-gone-text = Este inicio de sesión ya se usó o tardó más de 20 minutos. Vuelva a empezar en el programa.

admin = Administración
admin-users = Usuarios
admin-policy = Reglas de contraseñas
admin-backends = Servidores de autenticación
admin-brute-force = Protección contra fuerza bruta
admin-pins = Asignaciones
admin-service-tokens = Tokens de servicio
admin-audit = Registro de auditoría
admin-mail = Correo
admin-config = Configuración
admin-forbidden = No permitido
admin-forbidden-text = Su cuenta no tiene los derechos necesarios.
admin-gone = Aquí no hay nada, o usted no lo administra.
admin-back = Volver a los usuarios
admin-refused = Se ha rechazado.
admin-unavailable = Ahora no es posible. Inténtelo de nuevo en unos minutos.
admin-confirm-text = Este cambio necesita su contraseña, porque la escribió hace más de 15 minutos. Aún no se ha cambiado nada.
admin-password-again = Escriba de nuevo la contraseña del formulario
admin-keep = No cambiar nada y volver
admin-search = Buscar
admin-all = Todos
admin-none-found = No se ha encontrado nada.
admin-before = Página anterior
admin-after = Página siguiente
admin-older = Entradas más antiguas
admin-add = Añadir
admin-remove = Quitar
admin-create = Crear
admin-delete = Eliminar
admin-ms = { $n } ms
admin-done-created = Creado.
admin-done-saved = Guardado.
admin-done-deleted = Eliminado.
admin-done-enabled = El usuario puede volver a iniciar sesión.
admin-done-disabled = El usuario ya no puede iniciar sesión.
admin-done-password = La nueva contraseña está establecida. Las sesiones y las contraseñas de aplicación del usuario han terminado.
admin-done-joined = El usuario está en el grupo.
admin-done-left = El usuario ya no está en el grupo.
admin-done-promoted = El usuario administra el grupo.
admin-done-demoted = El usuario ya no administra el grupo.
admin-done-mailed = El correo está en camino.
admin-done-ended = Las sesiones han terminado.
admin-done-revoked = La contraseña de aplicación está revocada.
admin-done-wiped = Las contraseñas de aplicación están revocadas; los dispositivos borran sus datos en su próxima consulta.
admin-done-released = Los intentos fallidos se han olvidado.
admin-done-rebound = El nombre pertenece ahora al otro servidor.

admin-search-users = Nombre, nombre visible o dirección de correo
admin-only-disabled = Solo usuarios desactivados
admin-new-user = Nuevo usuario
admin-user-count = { $n ->
    [one] { $n } usuario
   *[other] { $n } usuarios
}
admin-user-count-more = más de { $n } usuarios
admin-disabled = desactivado
admin-last-login = Último inicio de sesión
admin-never = Nunca ha iniciado sesión
admin-not-yours = no administrado por usted
admin-from-backend = inicia sesión con { $backend }
admin-user-name-hint = Con él inicia sesión el usuario. No se puede cambiar después.
admin-address-confirmed = Sé que esta dirección es del usuario
admin-password-optional = Contraseña (opcional)
admin-password-mail = Sin contraseña se envía por correo un enlace para elegir una.
admin-groups-hint = Separados por comas.
admin-quota = Cuota
admin-quota-new = Nueva cuota (opcional)
admin-quota-hint = Por ejemplo 5 GB, none para ningún límite, o default.
admin-unlimited = sin límite
admin-access = Acceso
admin-no-groups = En ningún grupo.
admin-leave-group = Quitar del grupo { $group }
admin-add-to-group = Añadir a un grupo
admin-administers = Grupos que administra este usuario
admin-administers-none = Ninguno.
admin-demote-group = Ya no administra { $group }
admin-promote = Dejar que este usuario administre un grupo
admin-password-hint = Las sesiones y las contraseñas de aplicación del usuario terminan.
admin-kept-elsewhere = La contraseña de este usuario se guarda en otro servidor y solo se puede cambiar allí:
admin-send-reset = Enviar un correo de restablecimiento
admin-send-welcome = Enviar el correo de bienvenida
admin-unlock = Olvidar los intentos fallidos
admin-disable = Desactivar
admin-enable = Activar
admin-delete-user = Eliminar este usuario
admin-delete-user-ask = ¿Eliminar el usuario { $user }?
admin-delete-user-text = La cuenta se elimina con todas sus sesiones y contraseñas de aplicación. No se puede deshacer. Un usuario cuya contraseña comprueba otro servidor recibe una cuenta nueva y vacía en el próximo inicio de sesión.
admin-ban = Prohibir el nombre: no abre nada hasta que un administrador levante la prohibición
admin-no-sessions = No hay sesiones abiertas.
admin-end-all = Terminar todas las sesiones
admin-wipe-link = Revocar todas las contraseñas de aplicación y borrar los dispositivos
admin-wipe-ask = ¿Borrar los dispositivos de { $user }?
admin-wipe-text = Se revocan todas las contraseñas de aplicación. Los programas que lo permiten borran los datos de esta cuenta de su dispositivo en su próxima consulta.
admin-wipe = Borrar los dispositivos

admin-search-groups = Identificador o nombre visible
admin-new-group = Nuevo grupo
admin-group-id = Identificador del grupo
admin-group-id-hint = No se puede cambiar después.
admin-members = Miembros
admin-remove-user = Quitar a { $user } del grupo
admin-add-user = Añadir un usuario (nombre)
admin-sub-admins = Subadministradores
admin-sub-admins-hint = Administran a los miembros de este grupo.
admin-demote-user = { $user } ya no administra el grupo
admin-add-sub-admin = Añadir un subadministrador (nombre)
admin-name-of = Nombre visible de { $id }
admin-delete-group = Eliminar este grupo
admin-delete-group-ask = ¿Eliminar el grupo { $group }?
admin-delete-group-text = Sus miembros se quedan. Las reglas que nombran el grupo ya no valen para ellos.

admin-policy-now = Ahora:
admin-policy-hint = Los cambios valen de inmediato, para contraseñas nuevas. Un campo vacío restablece el valor predeterminado.
admin-policy-length = Longitud mínima
admin-policy-common = Rechazar contraseñas comunes
admin-policy-breached = Rechazar contraseñas de filtraciones
admin-policy-case = Exigir mayúsculas y minúsculas
admin-policy-digit = Exigir una cifra
admin-policy-special = Exigir un carácter especial
admin-policy-history = Contraseñas anteriores que no se pueden repetir
admin-policy-expiration = Días hasta que caduca una contraseña
admin-policy-attempts = Contraseñas erróneas seguidas que bloquean a un usuario
admin-default = Predeterminado
admin-on = Activado
admin-off = Desactivado
admin-save-setting = Guardar: { $name }

admin-state = Estado
admin-backends-hint = En el orden en que se consultan, tal como los ha visto este servidor desde su inicio.
admin-backend-answers = responde
admin-backend-untried = aún no consultado
admin-backend-outage = no disponible
admin-backend-breaker = no disponible, disyuntor abierto
admin-backend-distrusted = no es de confianza
admin-backend-unrecognised = rechazos no reconocidos
admin-backend-outage-text = No responde desde hace { $time }; { $n } inicios de sesión lo necesitaban. El último intento falló en la fase { $phase }.
admin-backend-last = Última respuesta hace { $time }: { $verdict } ({ $ms } ms).
admin-backend-proven = Rechazó a un usuario inventado, así que su sí cuenta.
admin-backend-unproven = Aún no se ha probado con un usuario inventado.
admin-backend-distrusted-text = Aceptó a un usuario inventado: ya no se consulta.
admin-backend-unrecognised-text = Su respuesta a una contraseña errónea no se reconoce y cuenta como una avería. La documentación de problemas dice qué hacer.
admin-verdict-accepted = aceptado
admin-verdict-rejected = rechazado
admin-verdict-not-mine = no es responsable de este nombre
admin-verdict-unavailable = no se pudo consultar
admin-verdict-misconfigured = está mal configurado
admin-verdict-protocol = no respetó el protocolo
admin-verdict-skipped = no se consultó
admin-test = Inicio de sesión de prueba
admin-test-hint = Se decide como un inicio de sesión desde su dirección: valen los límites, y una contraseña errónea cuenta.
admin-test-backend = Consultar
admin-test-all = Todos en su orden
admin-test-try = Probar
admin-test-result = Resultado
admin-test-authenticated = { $name } iniciaría sesión.
admin-test-refused = { $name } sería rechazado.
admin-test-throttled = { $name } no se comprobó: hubo demasiados intentos fallidos.
admin-test-unavailable = { $name } no se pudo comprobar. Esto no dice nada de la contraseña.
admin-test-rule = Decidido por la regla «{ $rule }» en { $ms } ms.
admin-test-again = Inténtelo de nuevo en { $time }.

admin-brute-force-text = Tras { $n } intentos fallidos desde una dirección en { $time }, los siguientes se rechazan; antes se retrasan cada vez más.
admin-no-failures = Ahora no cuenta ningún intento fallido.
admin-failures = { $n ->
    [one] { $n } intento fallido
   *[other] { $n } intentos fallidos
}
admin-last-failure = el último
admin-wait = el próximo espera { $time }
admin-refused-now = rechazado
admin-release = Liberar
admin-release-source = Liberar { $source }
admin-locked-users = { $n ->
    [one] { $n } nombre tiene intentos fallidos que aún cuentan en este servidor.
   *[other] { $n } nombres tienen intentos fallidos que aún cuentan en este servidor.
}
admin-locked-hint = No se guarda cuáles: lo escrito puede ser una contraseña en el campo equivocado.
admin-release-user = Olvidar los intentos fallidos de un usuario (nombre)

admin-pins-hint = Un nombre pertenece al primer servidor que lo aceptó. A ningún otro se le pregunta por él.
admin-since = desde
admin-rebind = Dar un nombre a otro servidor
admin-rebind-hint = Desde entonces ese servidor decide quién es este usuario. Terminan todas sus sesiones y contraseñas de aplicación.
admin-rebind-to = Servidor
admin-rebind-none = El próximo que acepte el nombre

admin-audit-actor = Quién
admin-audit-action = Qué
admin-audit-target = Usuario, grupo o nombre

admin-mail-none = No hay ningún servidor de correo configurado, así que no se envía correo.
admin-mail-server = Los correos van a { $server }.
admin-mail-waiting = { $n ->
    [0] Ninguno espera.
    [one] { $n } correo espera.
   *[other] { $n } correos esperan.
}
admin-mail-queued = en cola
admin-mail-due = próximo intento
admin-mail-attempts = { $n ->
    [0] aún no intentado
    [one] intentado una vez
   *[other] intentado { $n } veces
}
admin-mail-test = Correo de prueba
admin-mail-test-hint = Se entrega enseguida al servidor de correo, sin pasar por la cola.
admin-mail-send = Enviar un correo de prueba

admin-config-hint = Tal como el servidor la leyó por última vez, sin contraseñas ni claves. Para cambiarla, edite el archivo y recargue el servidor.

admin-fail-no-backend = No existe ese servidor.
admin-fail-app-password = Es una contraseña de aplicación. Nunca se pregunta por ella a ningún servidor.
admin-fail-no-source = No es ni una dirección ni el nombre de un usuario.
admin-fail-group-name = Ningún grupo puede tener este identificador.
admin-fail-group-exists = Ya hay un grupo con este identificador.
admin-fail-group-stays = El grupo admin no se puede eliminar.
admin-fail-name = Este texto no puede ser un nombre.
admin-fail-own-pin = Es su propio nombre. Otro administrador puede cambiarlo.
admin-fail-user-exists = Ya hay un usuario con este nombre, o el nombre está prohibido.
admin-fail-no-group = No existe ese grupo.
admin-fail-not-yours = Usted no administra este grupo.
admin-fail-group-needed = Nombre un grupo que usted administre.
admin-fail-password-or-mail = Escriba una contraseña o una dirección de correo.
admin-fail-self = No es posible con usted mismo ni con el último administrador.
admin-fail-no-user = No existe ese usuario, o usted no lo administra.
admin-fail-not-removable = No puede quitarse a usted mismo, ni al último administrador, ni a un usuario del último grupo en el que usted lo administra.
admin-fail-admin-group = El grupo admin no tiene subadministradores.
admin-fail-no-address = Este usuario no tiene dirección de correo.
admin-fail-not-sent = No se pudo enviar el correo. Puede que hoy haya habido demasiados.
