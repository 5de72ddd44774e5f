//! What the JSON tells of the tenants and of the pool that serves them.

use serde_json::Value;

use super::{entry, number, pool, run, text};

/// POOL-3, POOL-10, METER-1, METER-3: the unruly are contained, and nobody else comes to harm.
#[test]
fn tenants_are_served_and_the_unruly_are_contained() {
    let output = run(&["--seconds", "8", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    let tenants = &json["host"]["tenants"];
    assert_eq!((&tenants["failed"], &tenants["well_behaved"]), (&0.into(), &24.into()));
    let mut served = 0;
    for tenant in tenants["principals"].as_array().expect("a list of tenants") {
        let name = tenant["name"].as_str().expect("a name");
        served += number(&tenant["served"]);
        assert_eq!((number(&tenant["leaks"]), number(&tenant["failed"])), (0, 0), "{tenant}");
        assert_eq!(number(&tenant["served"]) > 0, name.starts_with("tenant-"), "{tenant}");
        assert_eq!(number(&tenant["growths_refused"]) > 0, name == "hoarder", "{tenant}");
        assert_eq!(number(&tenant["stopped"]) > 0, name == "looper", "{tenant}");
        assert_eq!(number(&tenant["turned_away"]) > 0, name == "looper", "{tenant}");
    }
    assert_eq!(served, number(&tenants["served"]));
    // A busy machine, without optimization, still does many times that.
    assert!(served >= 240, "each is served: {tenants}");
    let [p50, p99] = ["latency_p50_us", "latency_p99_us"].map(|name| number(&tenants[name]));
    assert!(0 < p50 && p50 <= p99, "{tenants}");
    the_pool_has_had_an_instance_for_each_call(&json);
}

fn the_pool_has_had_an_instance_for_each_call(json: &Value) {
    let pool = pool(json, "tenant_instances");
    assert_eq!(pool["max"], 8);
    for state in ["leased", "idle", "building", "condemned", "waiting"] {
        assert_eq!(pool[state], 0, "all is over, nothing is left: {pool}");
    }
    for trouble in ["build_failures", "panics", "timeouts"] {
        assert_eq!(total(&pool[trouble]), 0, "{pool}");
    }
    let sum = |what: &str| -> u64 {
        let tenants = json["host"]["tenants"]["principals"].as_array().expect("a list of tenants");
        tenants.iter().map(|tenant| number(&tenant[what])).sum()
    };
    let discards = &pool["discards"];
    let used = sum("served") + sum("growths_refused");
    assert_eq!(number(&discards["single_use"]), used, "POOL-10: one call each: {pool}");
    assert_eq!(number(&discards["faulted"]), sum("stopped"), "POOL-3: {pool}");
    assert_eq!(total(&pool["refusals"]), sum("turned_away"), "{pool}");
    assert_eq!(number(&pool["built"]), total(discards), "none is left: {pool}");
    let (timed, all) = (number(&pool["hold"]["count"]), used + sum("stopped"));
    // Every 16th build is timed; builds that begin together see the same number, and may all miss it.
    assert!((all / 32..=all).contains(&timed), "about one in 16 is timed: {pool}");
    let leased = entry(json, "tenant_instances", None);
    assert_eq!((number(&leased["depth"]), number(&leased["capacity"])), (0, 8), "{leased}");
    let high_water = number(&leased["high_water"]);
    assert!((2..=8).contains(&high_water), "two of looper's at least: {leased}");
}

/// A number, or those of all reasons together.
fn total(value: &Value) -> u64 {
    value.as_object().map_or_else(|| number(value), |parts| parts.values().map(total).sum())
}
