//! Servers that ask who a host is, and hosts that ask which server it is: all by the client's own
//! options.

use std::path::Path;
use std::process::Command;

use async_nats::ConnectOptions;
use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;
use plimsoll_fleet::FleetError;
use plimsoll_fleet::view::{Connection, FleetReader, LiveView};
use serde_json::json;

use super::*;
use crate::nats::wait_for;

const JETSTREAM: &str = "jetstream { store_dir: \"STORE\", max_file: 4GB }";

/// A host and a reader with these options get through, and a host without them does not.
async fn only_these_get_through(server: &Nats, url: &str, options: ConnectOptions) {
    let fleet = || Fleet::new(url).unwrap().events_max_bytes(64 << 20).states_max_bytes(256 << 20);
    let [host, other] = ["web-1", "web-2"].map(Host::new);
    let publisher = |host: &Host, fleet| Publisher::new(&host.registry, host.name.clone(), fleet);
    let without = publisher(&other, fleet()).spawn().unwrap();
    let with = publisher(&host, fleet().options(options.clone())).spawn().unwrap();
    host.ping_pong(1);
    flushed(&with).await;
    assert_eq!(with.stats().problem, None);
    let view = LiveView::default();
    let reader = FleetReader::new(fleet().options(options));
    let reading = view.spawn_thread(reader).unwrap();
    wait_for("the host is read", || view.look(|view, _| view.hosts().len() == 1));
    assert_eq!(view.connection(), Connection::Connected);
    drop(reading);
    until("it is said", || without.stats().problem == Some(FleetError::Away)).await;
    assert_eq!(without.stats().counts.states, 0, "{}", server.url());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_the_clients_own_option() {
    let server = Nats::with(&format!("authorization {{ token: \"a-token\" }}\n{JETSTREAM}"));
    let options = ConnectOptions::with_token("a-token".into());
    only_these_get_through(&server, &server.url(), options.clone()).await;
    // A host that has a client anyhow gives that.
    let host = Host::new("web-3");
    let client = options.connect(server.url()).await.unwrap();
    let fleet = Fleet::with_client(client).name("other").unwrap();
    let other = Publisher::new(&host.registry, host.name.clone(), fleet).spawn().unwrap();
    flushed(&other).await;
    assert_eq!(other.stats().problem, None);
}

/// With a password that has to be written in percent signs.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_a_password_may_stand_in_the_address() {
    let users = "authorization { users: [ { user: hosts, password: \"p@ss/word\" } ] }";
    let server = Nats::with(&format!("{users}\n{JETSTREAM}"));
    let url = server.url().replace("nats://", "nats://hosts:p%40ss%2Fword@");
    let host = Host::new("web-1");
    let fleet = || Fleet::new(&url).unwrap().events_max_bytes(64 << 20).states_max_bytes(256 << 20);
    let publisher = Publisher::new(&host.registry, host.name.clone(), fleet()).spawn().unwrap();
    flushed(&publisher).await;
    assert_eq!(publisher.stats().problem, None);
    let view = LiveView::default();
    let reading = view.spawn_thread(FleetReader::new(fleet())).unwrap();
    wait_for("the host is read", || view.look(|view, _| view.hosts().len() == 1));
    drop(reading);
    let two = Fleet::new("nats://a:b@one:1, nats://a:b@two:1").map(drop);
    assert_eq!(two, Ok(()));
    let two = Fleet::new("nats://a:b@one:1,nats://c:d@two:1").map(drop).unwrap_err().to_string();
    assert!(two.contains("its user is not that") && !two.contains("c:d"), "{two}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_nkey_is_the_clients_own_option() {
    let user = KeyPair::new_user();
    let users = format!("authorization {{ users: [ {{ nkey: {} }} ] }}", user.public_key());
    let server = Nats::with(&format!("{users}\n{JETSTREAM}"));
    let options = ConnectOptions::with_nkey(user.seed().unwrap());
    only_these_get_through(&server, &server.url(), options).await;
}

/// What an issuer says of a subject, signed.
fn jwt(issuer: &KeyPair, subject: &KeyPair, nats: serde_json::Value) -> String {
    let part = |json: serde_json::Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let (issued_by, of) = (issuer.public_key(), subject.public_key());
    let claims = json!({ "jti": "1", "iat": 1, "iss": issued_by, "sub": of, "nats": nats });
    let head = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let signed = format!("{}.{}", part(head), part(claims));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_an_account_are_the_clients_own_option() {
    let operator = KeyPair::new_operator();
    let [system, account] = [KeyPair::new_account(), KeyPair::new_account()];
    let user = KeyPair::new_user();
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1,
        "consumer": -1,
    });
    let of_account = json!({ "type": "account", "version": 2, "limits": limits });
    let mut of_system = of_account.clone();
    of_system["limits"]["disk_storage"] = 0.into();
    of_system["limits"]["mem_storage"] = 0.into();
    let of_user = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
    let config = format!(
        "operator: {}\nresolver: MEMORY\nsystem_account: {system}\n\
         resolver_preload: {{ {system}: {}, {}: {} }}\n{JETSTREAM}",
        jwt(&operator, &operator, json!({ "type": "operator", "version": 2 })),
        jwt(&operator, &system, of_system),
        account.public_key(),
        jwt(&operator, &account, of_account),
        system = system.public_key(),
    );
    let server = Nats::with(&config);
    let credentials = format!(
        "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        jwt(&account, &user, of_user),
        user.seed().unwrap(),
    );
    let options = ConnectOptions::with_credentials(&credentials).unwrap();
    only_these_get_through(&server, &server.url(), options).await;
}

/// A certificate with its key, `NAME.pem` and `NAME.key`, for two days.
fn certificate(folder: &Path, name: &str, of: &str, more: &[&str]) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"]);
    command.args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", &format!("/CN={name}")]);
    command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]);
    let output = command.args(["-addext", of]).args(more).output();
    let output = output.expect("openssl 3 starts: `.ci/system-packages` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The server is known by its certificate, and hosts by theirs.
#[tokio::test(flavor = "multi_thread")]
async fn tls_is_the_clients_own_option_on_both_sides() {
    let tls = "tls { cert_file: \"FOLDER/server.pem\", key_file: \"FOLDER/server.key\", \
               ca_file: \"FOLDER/authority.pem\", verify: true }";
    let mut server = Nats::not_started(&format!("{tls}\n{JETSTREAM}"));
    let folder = server.folder().to_owned();
    certificate(&folder, "authority", "keyUsage=keyCertSign", &[]);
    let by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-addext"];
    let by = [&by[..], &["basicConstraints=critical,CA:FALSE"]].concat();
    for name in ["server", "client"] {
        certificate(&folder, name, "subjectAltName=IP:127.0.0.1", &by);
    }
    server.restart();
    let own = ConnectOptions::new()
        .add_root_certificates(folder.join("authority.pem"))
        .add_client_certificate(folder.join("client.pem"), folder.join("client.key"))
        .require_tls(true);
    let url = server.url().replace("nats://", "tls://");
    only_these_get_through(&server, &url, own).await;
}
