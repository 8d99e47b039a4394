<?php
// Signs in as a PHP application does: sign_in.php CLIENT HOST PORT CA NAME PASSWORD
//
// Reads "run CALLERS MILLISECONDS" lines. After each, it signs in one at a time, at least once, until
// the time is over, and prints {"ms": [...]}: how long each sign-in took. CALLERS is 1.

[, $client, $host, $port, $ca, $name, $password] = $argv;

function by_curl(string $url, string $ca, string $name, string $password): bool
{
    $curl = curl_init($url);
    curl_setopt_array($curl, [
        CURLOPT_USERPWD => "$name:$password",
        CURLOPT_CONNECTTIMEOUT => 10,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_CUSTOMREQUEST => 'CAPABILITY',
        CURLOPT_CAINFO => $ca,
        CURLOPT_FORBID_REUSE => true,
    ]);
    curl_exec($curl);
    $error = curl_errno($curl);
    curl_close($curl);
    return $error === 0;
}

function by_imap_open(string $host, string $port, string $name, string $password): bool
{
    // Its library cannot be given an authority of one's own.
    $mailbox = "{{$host}:$port/imap/ssl/novalidate-cert}";
    $connection = imap_open($mailbox, $name, $password, OP_HALFOPEN, 1);
    return $connection !== false && imap_close($connection);
}

function by_opendir(string $url, string $ca): bool
{
    $tls = ['cafile' => $ca, 'verify_peer' => true, 'verify_peer_name' => true];
    $folder = opendir($url, stream_context_create(['ssl' => $tls]));
    if ($folder === false) {
        return false;
    }
    closedir($folder);
    return true;
}

$account = rawurlencode($name) . ':' . rawurlencode($password);
$sign_in = match ($client) {
    'curl' => fn() => by_curl("imaps://$host:$port", $ca, $name, $password),
    'imap_open' => fn() => by_imap_open($host, $port, $name, $password),
    'ftp' => fn() => by_opendir("ftp://$account@$host:$port/", $ca),
    'ftps' => fn() => by_opendir("ftps://$account@$host:$port/", $ca),
};

while (($line = fgets(STDIN)) !== false) {
    [, , $milliseconds] = explode(' ', trim($line));
    $end = microtime(true) + (int) $milliseconds / 1000;
    $times = [];
    do {
        $began = microtime(true);
        if (!$sign_in()) {
            fwrite(STDERR, "$client was refused\n");
            exit(1);
        }
        $now = microtime(true);
        $times[] = ($now - $began) * 1000;
    } while ($now < $end);
    echo json_encode(['ms' => $times]), "\n";
}
