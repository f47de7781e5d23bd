<?php
// A second step for a login page, in PHP with its curl extension. Call it once the password was right:
//   COUNTERSIGN_URL=https://… COUNTERSIGN_API_KEY=csk_… php relying_party.php USER_ID IP USER_AGENT
declare(strict_types=1);

class ToMend extends Exception {}

/** True when the phone said YES. Throws what is to be mended. */
function phone_says_yes(string $server, string $api_key, string $user, string $ip, string $agent, callable $show): bool
{
    // The same key for every repetition: one challenge, one claim.
    $headers = ["Authorization: Bearer $api_key", "Content-Type: application/json",
        "Idempotency-Key: " . bin2hex(random_bytes(16))];
    $over = hrtime(true) + 90_000_000_000; // a minute for the person, and time to ask again

    $call = function (string $method, string $path, ?array $body = null) use ($server, $headers, $over): array {
        while (hrtime(true) < $over) {
            $curl = curl_init("$server/v1/challenges$path");
            curl_setopt_array($curl, [CURLOPT_CUSTOMREQUEST => $method, CURLOPT_HTTPHEADER => $headers,
                CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 30]);
            if ($body !== null) {
                curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($body, JSON_THROW_ON_ERROR));
            }
            $said = curl_exec($curl); // false when it was cut
            $said = is_string($said) ? json_decode($said, true) : null;
            $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
            if (in_array($status, [200, 201], true) && isset($said['id'], $said['state'])) {
                return $said;
            }
            $type = is_array($said) ? ($said['type'] ?? '') : '';
            if ($status >= 400 && $status < 500 && str_starts_with((string) $type, 'urn:countersign:problem:')) {
                throw new ToMend($said['detail']); // such as a wrong API key, an unknown user, no phone
            }
            sleep(1); // a proxy answered, as while the server restarts, or nothing did: as good as still pending
        }
        throw new ToMend('The server does not answer.');
    };

    $asked = $call('POST', '', ['user_id' => $user, 'policy' => ['mode' => 'number', 'digits' => 2],
        'context' => ['ip' => $ip, 'user_agent' => $agent]]);
    $show($asked['number']);
    while ($asked['state'] === 'pending') {
        $asked = $call('GET', "/{$asked['id']}?wait=25"); // proxies cut a request that is answered much later
    }
    // One YES is one sign-in.
    return $asked['state'] === 'approved' && $call('POST', "/{$asked['id']}/claim")['state'] === 'claimed';
}

try {
    $show = fn (?string $number) => print("Type this number on your phone: $number\n");
    [, $user, $ip, $agent] = $argv;
    $yes = phone_says_yes(getenv('COUNTERSIGN_URL'), getenv('COUNTERSIGN_API_KEY'), $user, $ip, $agent, $show);
    echo $yes ? "Signed in\n" : "Not signed in\n";
    exit($yes ? 0 : 1);
} catch (ToMend $to_mend) {
    fwrite(STDERR, $to_mend->getMessage() . "\n");
    exit(2);
}
