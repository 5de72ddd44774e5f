//! A command of preview 1, made a component by an adapter that keeps its handles.

use plimsoll_wasmtime::{CallError, WasmEngine, WasmPool, WasmPoolBuilder};
use wasmtime::component::{Component, Linker};
use wasmtime_wasi::I32Exit;

use crate::example::{Run, Tools, Visit, command, run_of};
use crate::place::{Folders, ISOLATIONS, Place, engine};

pub(crate) const VISITOR: &str = include_str!("../../examples/wasi.wat");

struct Program {
    engine: WasmEngine,
    component: Component,
}

impl Program {
    fn new(module: &str) -> Self {
        let engine = engine();
        let component = Component::new(engine.wasmtime(), command(module).unwrap()).unwrap();
        Self { engine, component }
    }

    fn settings(&self, tools: Tools, is_async: bool) -> WasmPoolBuilder<Tools, Run> {
        let Self { engine, component } = self;
        let mut linker = Linker::new(engine.wasmtime());
        match is_async {
            true => wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap(),
            false => wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap(),
        }
        WasmPool::component(engine, tools, &linker, component, run_of).unwrap()
    }
}

#[test]
fn pool_10_a_command_finds_its_principals_files_and_nothing_of_other_leases() {
    let program = Program::new(VISITOR);
    for place in Place::all() {
        for isolation in ISOLATIONS {
            let folders = Folders::new();
            let settings = program.settings(folders.tools(), place.is_async());
            let pool = place.build(settings.max(2).isolation(isolation));
            let [acme, other] = ["acme", "other"].map(|id| pool.principal(id).unwrap());
            let visits = [&acme, &other, &acme, &acme].map(|principal| {
                let mut lease = place.lease(&pool, principal);
                // The adapter keeps the handle of the output for its next run.
                assert_eq!(lease.uses(), 1, "{place:?} {isolation:?}");
                assert_eq!(place.call(&mut lease, |run| run, ()).unwrap(), (Ok(()),));
                Visit::of(&lease.complete().written()).unwrap()
            });
            assert_eq!(visits.each_ref().map(|visit| visit.earlier), [0, 0, 1, 2]);
            for (earlier, later) in visits.iter().zip(&visits[1..]) {
                assert_ne!(earlier.random, later.random);
            }
            assert!(visits.iter().all(|visit| visit.time_ns > 1 << 60), "{visits:?}");
        }
    }
}

#[test]
fn pool_10_runs_of_one_lease_go_on_with_its_handles() {
    let program = Program::new(VISITOR);
    for place in Place::all() {
        for isolation in ISOLATIONS {
            let folders = Folders::new();
            let settings = program.settings(folders.tools(), place.is_async());
            let pool = place.build(settings.max(1).isolation(isolation));
            let acme = pool.principal("acme").unwrap();
            let mut lease = place.lease(&pool, &acme);
            for earlier in 0..3 {
                assert_eq!(place.call(&mut lease, |run| run, ()).unwrap(), (Ok(()),));
                let visit = Visit::of(&lease.state().written()).unwrap();
                assert_eq!(visit.earlier, earlier);
            }
            lease.complete();
        }
    }
}

#[test]
fn meter_7_a_guest_that_exits_by_itself_is_no_fault() {
    for (status, expected) in [(0, 0), (1, 1), (7, 1)] {
        let program = Program::new(&format!(
            r#"(module
                (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1)
                (func (export "_start") (call $exit (i32.const {status}))))"#
        ));
        for place in Place::all() {
            let folders = Folders::new();
            let pool = place.build(program.settings(folders.tools(), place.is_async()).max(1));
            let acme = pool.principal("acme").unwrap();
            let mut lease = place.lease(&pool, &acme);
            let error = place.call(&mut lease, |run| run, ()).unwrap_err();
            let CallError::Failed { cause } = &error else { panic!("{error:?}") };
            // A component says only whether it has succeeded.
            assert_eq!(cause.downcast_ref::<I32Exit>().unwrap().0, expected);
            assert!(!error.is_fault());
            lease.complete();
            assert_eq!(acme.faults(), 0);
        }
    }
}
