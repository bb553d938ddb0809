"""One side of a SCRAM exchange, on standard input and output, one base64 message a line.

Arguments: role (client, server), mechanism, user, password, binding type, binding data (both may be -).
Prints "ok" at the end, or "failed"."""
import base64, sys
import scramp

role, mechanism, user, password, kind, data = sys.argv[1:]
binding = None if kind == "-" else (kind, data.encode())


def send(text):
    print(base64.b64encode(text.encode()).decode(), flush=True)


def receive():
    return base64.b64decode(sys.stdin.readline()).decode()


try:
    if role == "client":
        client = scramp.ScramClient([mechanism], user, password, channel_binding=binding)
        send(client.get_client_first())
        client.set_server_first(receive())
        send(client.get_client_final())
        client.set_server_final(receive())
    else:
        known = scramp.ScramMechanism(mechanism)
        keys = known.make_auth_info(password, iteration_count=4096)
        server = known.make_server(lambda name: keys, channel_binding=binding)
        server.set_client_first(receive())
        send(server.get_server_first())
        server.set_client_final(receive())
        send(server.get_server_final())
    print("ok", flush=True)
except scramp.ScramException as e:
    print("failed", e, flush=True)
