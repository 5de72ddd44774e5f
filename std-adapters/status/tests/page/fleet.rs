//! The fleet's section of the page.

use std::path::Path;
use std::thread;
use std::time::Duration;

use plimsoll::Registry;
use plimsoll_fleet::StateError;
use plimsoll_fleet::view::{Connection, Heard, LiveView};
use plimsoll_status::Status;
use serde_json::Value;

use super::browser::{Browser, Tab};
use super::hosts::Sample;
use super::{IS_TOO_WIDE, QUICK, alone, decode, text, url};

const ROWS: &str = "[...document.querySelectorAll('#fleet-tables > div')]";

/// The cells of the table of this heading, row by row.
fn table(tab: &mut Tab<'_>, heading: &str) -> Vec<Vec<String>> {
    let rows = format!(
        "{ROWS}.filter(div => !div.hidden && div.querySelector('h3').innerText.startsWith({heading:?}))\
         .flatMap(div => [...div.querySelectorAll('tbody tr')])\
         .map(row => [...row.cells].map(cell => cell.innerText))"
    );
    serde_json::from_value(tab.eval(&rows)).unwrap()
}

fn status(view: &LiveView) -> plimsoll_status::StatusBuilder {
    Status::builder(&Registry::new()).refresh(QUICK).fleet(view)
}

#[test]
fn fleet_4_the_page_shows_hosts_limits_guests_and_users_and_takes_nothing_for_markup() {
    let _alone = alone();
    let view = LiveView::default();
    let serving =
        status(&view).show_principals(true).build().unwrap().spawn("127.0.0.1:0").unwrap();
    let addr = serving.local_addr();
    let mut browser = Browser::start();
    let mut tab = browser.open(&url(&serving));
    tab.until("!document.getElementById('fleet').hidden");
    assert_eq!(text(&mut tab, "#fleet-connection"), "■ connecting");
    assert!(text(&mut tab, "#fleet-facts").starts_with("0 hosts, 0 raised limits, "));

    let hostile = "<img src=x onerror=\"document.title='x'\">\u{202e}";
    let shown = "<img src=x onerror=\"document.title='x'\">\\u{202e}";
    let mut sample = Sample {
        host: "web-1",
        sequence: 1,
        scope: hostile,
        frames: 900,
        users: &[("<b>acme</b>", 700)],
        silent: Some(hostile),
    };
    view.on_heard(sample.heard());
    view.on_heard(Heard::Connection(Connection::Connected));
    let key = "<i>key</i>";
    view.on_heard(Heard::Flaw { key: key.into(), flaw: StateError::Foreign.into() });
    tab.until("document.getElementById('fleet-connection').innerText === '● connected'");
    tab.until(&format!("{ROWS}.filter(div => !div.hidden).length === 4"));
    let hosts = table(&mut tab, "Hosts");
    assert_eq!(hosts[0][..2], ["web-1", "● live"]);
    assert_eq!(hosts[0][3..], ["1", "1", "1", "0", "0", "–"]);
    assert_eq!(hosts[1][..2], [key, "■ unreadable"]);
    assert_eq!(hosts[1][8], StateError::Foreign.to_string());
    let raised = table(&mut tab, "Raised limits");
    let name = format!("v8_session_frames {shown}");
    assert_eq!(raised[0][..4], [&name, "web-1", "▲ elevated", "900 of 1,024"]);
    let silent = table(&mut tab, "Silent guests");
    assert_eq!(silent[0][..3], [shown, "run-1", "web-1"]);
    let user = table(&mut tab, "Largest users: guest_fuel");
    assert_eq!(user[0], ["1", "<b>acme</b>", "700", "700", "100 %", "yes", "web-1", "700", "1"]);
    assert_eq!(tab.eval("document.querySelectorAll('main img, main b, main i').length"), 0);

    // What is over leaves, and a row that stays is the same element.
    tab.eval("window.row = document.querySelector('#fleet-tables tbody tr')");
    (sample.sequence, sample.frames, sample.silent) = (2, 10, None);
    view.on_heard(sample.heard());
    tab.until(&format!("{ROWS}.filter(div => !div.hidden).length === 2"));
    assert_eq!(tab.eval("window.row === document.querySelector('#fleet-tables tbody tr')"), true);
    assert!(text(&mut tab, "#fleet-facts").starts_with("1 hosts, 0 raised limits, 0 silent"));
    for number in 0..150 {
        let host = &format!("host-{number}");
        view.on_heard(
            Sample { host, sequence: 1, scope: "guest-7", frames: 0, users: &[], silent: None }
                .heard(),
        );
    }
    tab.until("document.getElementById('fleet-facts').innerText.startsWith('151 hosts')");
    assert_eq!(table(&mut tab, "Hosts").len(), 101, "and the key that is of no host");
    assert_eq!(text(&mut tab, "#fleet-tables .facts"), "100 of 151 are listed");

    // A server that takes its place has no fleet, and does not say who its users are.
    drop(serving);
    tab.until("document.getElementById('connection').dataset.state === 'lost'");
    let plain = Status::builder(&Registry::new()).refresh(QUICK).build().unwrap();
    let serving = plain.spawn(addr).unwrap();
    tab.until("document.getElementById('fleet').hidden");
    drop(serving);
    let serving = status(&view).build().unwrap().spawn(addr).unwrap();
    tab.until("!document.getElementById('fleet').hidden");
    tab.until(&format!("{ROWS}.some(div => div.innerText.includes('not shown'))"));
    assert_eq!(table(&mut tab, "Largest users: guest_fuel")[0][1], "not shown");

    // A view that has not answered for six seconds, and a message of a later version.
    tab.eval("fetch('fleet.json').then(answer => answer.json()).then(it => { window.it = it })");
    drop(serving);
    tab.until("document.getElementById('connection').dataset.state === 'lost'");
    tab.eval("import('./page/fleet.js').then(part => { window.section = new part.Fleet() })");
    for (update, says) in [
        ("window.it, 6_000", "▲ late: what is shown of the fleet is old"),
        ("window.it, 100", "● connected"),
        ("{ version: 99 }, 0", "■ the server is of another version: load the page again"),
    ] {
        tab.eval(&format!("window.section.update({update})"));
        assert_eq!(text(&mut tab, "#fleet-connection"), says);
    }
    tab.close();
}

#[test]
fn the_section_of_a_fleet_is_readable_in_light_and_dark_and_at_the_width_of_a_phone() {
    let _alone = alone();
    let view = LiveView::default();
    let users: [&[_]; 3] = [
        &[("acme", 70_300), ("umbrella", 21_800), ("initech", 4_100)],
        &[("acme", 18_900), ("hooli", 35_400)],
        &[("umbrella", 40_200), ("globex", 9_700)],
    ];
    let hosts = [("web-1", 900, Some("agent-3")), ("web-2", 1_024, None), ("web-3", 120, None)];
    for ((host, frames, silent), users) in hosts.into_iter().zip(users) {
        view.on_heard(
            Sample { host, sequence: 1, scope: "guest-7", frames, users, silent }.heard(),
        );
    }
    view.on_heard(Heard::Connection(Connection::Connected));
    let flaw = StateError::Version { found: 2, read: 1 };
    view.on_heard(Heard::Flaw { key: "web-3".into(), flaw: flaw.into() });
    let serving =
        status(&view).show_principals(true).build().unwrap().spawn("127.0.0.1:0").unwrap();
    let mut browser = Browser::start();
    let mut tab = browser.open(&url(&serving));
    tab.until(&format!("{ROWS}.filter(div => !div.hidden).length === 4"));
    for (name, scheme, width, height) in [
        ("status-fleet", "light", 1000, 700),
        ("status-fleet-dark", "dark", 1000, 700),
        ("status-fleet-phone", "light", 360, 740),
    ] {
        tab.set_size(width, height);
        tab.set_media("prefers-color-scheme", scheme);
        thread::sleep(Duration::from_millis(200));
        assert_eq!(tab.eval(IS_TOO_WIDE), false, "{name}");
        let low = tab.eval(include_str!("contrast.js"));
        assert_eq!(low, Value::Array(vec![]), "{name}: too low a contrast");
        tab.eval("document.querySelector('#fleet').scrollIntoView()");
        if let (Some(folder), "status-fleet") = (std::env::var_os("PLIMSOLL_SCREENSHOTS"), name) {
            decode(&tab.screenshot(), &Path::new(&folder).join(format!("{name}.png")));
        }
    }
    let unnamed = "[...document.querySelectorAll('#fleet, #fleet [role=region]')].filter(e => \
        e.checkVisibility() && !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')))\
        .map(e => e.outerHTML)";
    assert_eq!(tab.eval(unnamed), Value::Array(vec![]), "without a name for screen readers");
    tab.close();
}
