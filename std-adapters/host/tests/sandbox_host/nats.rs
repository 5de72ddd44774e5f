//! `--nats` and `--host`: the run, as the server of a fleet gets it.

use std::time::Duration;

use super::nats_server::{Nats, PATIENCE};
use super::{ended_within, host, run, send_signal, text};

#[test]
fn fleet_2_the_state_of_the_run_is_in_the_bucket_of_the_fleet() {
    let server = Nats::start();
    let mut command = host();
    command.args(["--json", "--seconds", "100", "--nats", &server.url(), "--host", "web-1"]);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("the host starts");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let state = async {
        let client = async_nats::connect(server.url()).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        loop {
            if let Ok(bucket) = jetstream.get_key_value("plimsoll_hosts").await
                && let Some(state) = bucket.get("state.web-1").await.unwrap()
            {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let state = runtime.block_on(async { tokio::time::timeout(PATIENCE, state).await });
    send_signal(&child, "-TERM");
    assert!(ended_within(&mut child, PATIENCE).success());
    assert!(state.expect("it is published").starts_with(b"PLIM"));
}

#[test]
fn what_is_no_server_or_no_host_ends_the_host_with_its_reason() {
    for (args, named) in [
        (["--nats", "nats://[nonsense", "--host", "web-1"], "no address of a server"),
        (["--nats", "nats://127.0.0.1:1", "--host", "web.*"], "letters and digits of ASCII"),
    ] {
        let output = run(&args);
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
        assert!(!output.status.success());
    }
    let alone = run(&["--host", "web-1"]);
    assert!(text(&alone.stderr).contains("--nats"), "{}", text(&alone.stderr));
}
