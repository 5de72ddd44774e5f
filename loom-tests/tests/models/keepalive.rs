//! The tracker's word and the wheel: LIVE-1 to LIVE-4, LIVE-7, LIVE-10.

mod guest;
mod slots;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use loom::thread;
use plimsoll_loom::keepalive::{Pulse, Rule, SignalKind, Tick, Tracker};
use plimsoll_loom::model::{Frozen, freeze_after, thaw};

use crate::common::{Freezer, Model};
use guest::{Guest, Shortcut, WINDOW, Watched, ours, rearming};

fn spawn<W: Watched>(
    guest: &Arc<Guest<W>>,
    work: impl FnOnce(&Guest<W>) + 'static,
) -> thread::JoinHandle<()> {
    let guest = guest.clone();
    thread::spawn(move || work(&guest))
}

fn join(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// How many atomic steps it takes to do `work`: it is begun anew until they are enough.
fn steps_of(work: impl Fn()) -> u32 {
    let is_done = |steps: &u32| {
        freeze_after(*steps);
        let done = catch_unwind(AssertUnwindSafe(&work));
        thaw();
        done.inspect_err(|stopped| assert!(stopped.is::<Frozen>())).is_ok()
    };
    (0..).find(is_done).expect("it comes to an end")
}

/// LIVE-1: a load for each beat, and a read-modify-write for the first of a tick.
#[test]
fn live_1_steps_of_a_beat() {
    Model::bounded(0).at_least([1; 3]).check(|| {
        let guest = ours();
        let steps = |now| steps_of(|| assert_eq!(guest.notify(Tick::new(now)), None));
        assert_eq!([0, 7, 7, 6, 8, 8].map(steps), [1, 2, 1, 1, 2, 1]);
        assert!(guest.close());
        assert_eq!(steps(9), 1, "closed");
    });
}

/// Two watchers and two notifiers, one of whom may be within the window of each.
fn watchers_and_notifiers<W: Watched>(word: W) {
    let guest = Guest::new(word);
    let threads = [
        spawn(&guest, |guest| guest.notify(5)),
        spawn(&guest, |guest| guest.notify(12)),
        spawn(&guest, |guest| guest.judge(11)),
    ];
    guest.judge(16);
    join(threads);
    guest.assert_at_rest();
}

/// LIVE-2, LIVE-3, LIVE-4.
#[test]
fn live_3_two_watchers_and_two_notifiers() {
    Model::bounded(3).at_least([100, 100, 100]).check(|| watchers_and_notifiers(ours()));
}

/// LIVE-2: of two notifiers the later one holds, whichever writes last.
fn a_late_notifier<W: Watched>(word: W) {
    let guest = Guest::new(word);
    let threads = [spawn(&guest, |guest| guest.notify(3)), spawn(&guest, |guest| guest.notify(9))];
    join(threads);
    guest.judge(15);
    guest.assert_at_rest();
}

#[test]
fn live_2_a_late_notifier_does_not_turn_time_back() {
    Model::bounded(3).check(|| a_late_notifier(ours()));
}

/// LIVE-2: defect 11, a frame between the check and the report.
fn a_beat_after_the_check<W: Watched>(word: W) {
    let guest = Guest::new(word);
    let notifier = spawn(&guest, |guest| guest.notify(10));
    guest.judge(10);
    notifier.join().unwrap();
    guest.judge(11);
    guest.assert_at_rest();
}

#[test]
fn live_2_a_beat_after_the_check_prevents_the_report() {
    Model::bounded(3).check(|| a_beat_after_the_check(ours()));
}

/// LIVE-5: a look that meets a beat says when that beat is due, and not when the next one is.
#[test]
fn live_5_a_look_that_meets_a_beat_is_due_in_time() {
    Model::bounded(3).check(|| {
        let guest = Arc::new(ours());
        let other = guest.clone();
        let notifier = thread::spawn(move || other.notify(Tick::new(5)));
        let look = guest.judge(Tick::new(WINDOW), rearming()).unwrap();
        let recovery = notifier.join().unwrap();
        assert_eq!(look.signal.is_some(), recovery.is_some(), "LIVE-4");
        assert!(look.signal.is_some() || look.due == Some(Tick::new(5 + WINDOW)), "{look:?}");
    });
}

/// LIVE-4: one recovery, whichever thread brings it.
fn recovers<W: Watched>(word: W) {
    let guest = Guest::new(word);
    guest.judge(10);
    let threads =
        [spawn(&guest, |guest| guest.notify(11)), spawn(&guest, |guest| guest.notify(11))];
    guest.judge(25);
    join(threads);
    guest.notify(40);
    guest.assert_at_rest();
    assert!(!guest.word.is_silent());
}

#[test]
fn live_4_one_recovery() {
    Model::bounded(3).check(|| recovers(ours()));
}

/// LIVE-7: closed for good.
fn closes<W: Watched>(word: W) {
    let guest = Guest::new(word);
    let threads = [
        spawn(&guest, |guest| guest.notify(7)),
        spawn(&guest, |guest| guest.judge(10)),
        spawn(&guest, |guest| guest.close()),
    ];
    guest.judge(30);
    join(threads);
    guest.notify(50);
    guest.assert_at_rest();
}

#[test]
fn live_7_closed_for_good() {
    Model::bounded(3).check(|| closes(ours()));
}

/// LIVE-3: a one-shot run is reported once, late and silent each, by one of two watchers.
#[test]
fn live_3_one_shot_and_late() {
    Model::bounded(3).check(|| {
        let rule = Rule::new(WINDOW).unwrap().late_after(4).unwrap();
        let guest = Arc::new(ours());
        let watch = move |guest: &Tracker| {
            let looks = [5, 10].map(|now| guest.judge(Tick::new(now), rule).unwrap());
            looks.map(|look| look.signal.map(|signal| signal.kind))
        };
        let other = guest.clone();
        let other = thread::spawn(move || watch(&other));
        let mut kinds: Vec<_> = watch(&guest).into_iter().flatten().collect();
        kinds.extend(other.join().unwrap().into_iter().flatten());
        let count = |kind| kinds.iter().filter(|seen| **seen == kind).count();
        assert_eq!(count(SignalKind::Silent), 1, "LIVE-3: {kinds:?}");
        assert!(count(SignalKind::Late) <= 1, "LIVE-3: {kinds:?}");
        assert_eq!((guest.notify(Tick::new(20)), guest.pulse()), (None, Pulse::Spent), "LIVE-4");
    });
}

/// LIVE-4: a pause holds against a beat that is late, nothing is reported until it ends, and a
/// silence from before has one recovery.
#[test]
fn live_4_pauses() {
    Model::bounded(3).check(|| {
        let guest = Arc::new(ours());
        let paused = Arc::new(Mutex::new(false));
        let judge = move |guest: &Tracker, paused: &Mutex<bool>, now| {
            let silent = Watched::judge(guest, now).is_some();
            assert!(!silent || !*paused.lock().unwrap(), "reported while paused");
            u32::from(silent)
        };
        let (other, other_paused) = (guest.clone(), paused.clone());
        let watcher = thread::spawn(move || judge(&other, &other_paused, 10));
        let other = guest.clone();
        let notifier = thread::spawn(move || u32::from(Watched::notify(&*other, 11).is_some()));
        guest.pause().unwrap();
        *paused.lock().unwrap() = true;
        let mut silences = judge(&guest, &paused, 40);
        *paused.lock().unwrap() = false;
        let mut recoveries = u32::from(guest.resume(Tick::new(50)).is_some());
        assert!(matches!(guest.pulse(), Pulse::Alive { last } if last.get() == 50));
        silences += watcher.join().unwrap();
        recoveries += notifier.join().unwrap();
        assert_eq!(silences, recoveries, "LIVE-4");
        assert!(silences <= 1, "LIVE-3");
    });
}

/// LIVE-10: of two pauses that overlap, whichever ends first, nothing is reported before the last
/// one has ended, and a silence from before has one recovery.
#[test]
fn live_10_pauses_count() {
    Model::bounded(3).check(|| {
        let guest = Arc::new(ours());
        let holding = Arc::new(Mutex::new(0));
        let pause = |guest: &Tracker, holding: &Mutex<u32>| {
            guest.pause().unwrap();
            *holding.lock().unwrap() += 1;
        };
        // Noted before the step: a report is wrong while a pause holds for sure.
        let resume = |guest: &Tracker, holding: &Mutex<u32>| {
            *holding.lock().unwrap() -= 1;
            u32::from(guest.resume(Tick::new(50)).is_some())
        };
        let (other, other_holding) = (guest.clone(), holding.clone());
        let pauser = thread::spawn(move || {
            pause(&other, &other_holding);
            resume(&other, &other_holding)
        });
        let (other, other_holding) = (guest.clone(), holding.clone());
        let watcher = thread::spawn(move || {
            let silent = Watched::judge(&*other, 10).is_some();
            assert!(!silent || *other_holding.lock().unwrap() == 0, "LIVE-10: reported in a pause");
            u32::from(silent)
        });
        pause(&guest, &holding);
        let mut recoveries = resume(&guest, &holding);
        recoveries += pauser.join().unwrap();
        let silences = watcher.join().unwrap();
        assert!(recoveries <= silences, "LIVE-4");
        assert!(matches!(guest.pulse(), Pulse::Alive { .. } | Pulse::Silent { .. }), "LIVE-10");
        let lasts = matches!(guest.pulse(), Pulse::Silent { .. });
        assert_eq!(recoveries + u32::from(lasts), silences, "LIVE-4");
    });
}

/// The other threads come to an end and to the truth; a report that the stopped thread has made and
/// not handed on is lost with it.
fn freeze(work: fn(&Tracker)) {
    Model::bounded(3).check_frozen(move |freezer: &Freezer| {
        let guest = Arc::new(ours());
        let (other, freezer) = (guest.clone(), freezer.clone());
        let other = thread::spawn(move || freezer.run(|| work(&other)));
        let notify = |now| guest.notify(Tick::new(now));
        let _ = (Watched::judge(&*guest, 12), notify(14));
        other.join().unwrap();
        // A beat during the pause has changed nothing.
        let _ = (guest.resume(Tick::new(14)), notify(14));
        assert_eq!(Watched::judge(&*guest, 23), None, "LIVE-2");
        assert_eq!(Watched::judge(&*guest, 24), Some(14), "LIVE-3");
        assert_eq!(notify(30).map(|recovery| recovery.elapsed()), Some(16), "LIVE-4");
        assert!(guest.close() && notify(60).is_none(), "LIVE-7");
    });
}

/// LIVE-1: a notifier is stopped anywhere.
#[test]
fn freeze_tracker_notify() {
    freeze(|guest| {
        let _ = guest.notify(Tick::new(6));
        let _ = guest.notify(Tick::new(13));
    });
}

/// LIVE-3: a watcher is stopped anywhere.
#[test]
fn freeze_tracker_judge() {
    freeze(|guest| {
        let _ = Watched::judge(guest, 11);
    });
}

/// LIVE-4: a thread that pauses is stopped anywhere.
#[test]
fn freeze_tracker_pause() {
    freeze(|guest| {
        let _ = guest.pause();
        let _ = guest.resume(Tick::new(13));
    });
}

/// A beat that is a blind store: with two notifiers time goes back, a recovery is told twice, and
/// what is closed opens again.
#[test]
fn twin_11_beats_that_are_stored() {
    const MODEL: Model = Model::bounded(3);
    MODEL.check(|| a_late_notifier(Shortcut::new(false, false)));
    MODEL.check_wrong(|| a_late_notifier(Shortcut::new(true, false)));
    MODEL.check_wrong(|| recovers(Shortcut::new(true, false)));
    MODEL.check_wrong(|| closes(Shortcut::new(true, false)));
}

/// A report that is not exchanged from the judged word: a beat in between still yields a silence,
/// and two watchers report one silence twice.
#[test]
fn twin_11_reports_that_are_stored() {
    const MODEL: Model = Model::bounded(3);
    MODEL.check(|| a_beat_after_the_check(Shortcut::new(false, false)));
    MODEL.check_wrong(|| a_beat_after_the_check(Shortcut::new(false, true)));
    MODEL.check_wrong(|| watchers_and_notifiers(Shortcut::new(false, true)));
}
