//! Bindings of a `bindgen!` world, made once for each instance.

use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{
    CallError, ComponentExports, ExportProblem, Host, InstantiateError, Meter, Metered, NewLease,
    ProgramError, WasmPool,
};
use wasmtime::component::{Component, HasSelf, Linker};

use crate::place::{ISOLATIONS, engine};

mod tasks {
    wasmtime::component::bindgen!({
        inline: r#"
            package acme:desk;
            interface notes {
                note: func(line: string) -> u32;
            }
            world clerk {
                import notes;
                export file: func(copies: u32) -> u32;
            }
        "#,
        imports: { default: async },
        exports: { default: async },
    });
}

mod in_place {
    wasmtime::component::bindgen!({
        inline: r#"
            package acme:desk;
            interface notes {
                note: func(line: string) -> u32;
            }
            world clerk {
                import notes;
                export file: func(copies: u32) -> u32;
            }
        "#,
    });
}

/// It notes "filed" as often as it is asked to, and says how many notes there are.
const CLERK: &str = r#"(component
    (import "acme:desk/notes" (instance $notes
        (export "note" (func (param "line" string) (result u32)))))
    (core module $memory (memory (export "memory") 1))
    (core instance $mem (instantiate $memory))
    (alias core export $mem "memory" (core memory $bytes))
    (core func $note (canon lower (func $notes "note") (memory $bytes)))
    (core module $clerk
        (import "" "memory" (memory 1))
        (import "" "note" (func $note (param i32 i32) (result i32)))
        (data (i32.const 0) "filed")
        (func (export "file") (param $copies i32) (result i32) (local $notes i32)
            (loop $again
                (local.set $notes (call $note (i32.const 0) (i32.const 5)))
                (local.set $copies (i32.sub (local.get $copies) (i32.const 1)))
                (br_if $again (local.get $copies)))
            (local.get $notes)))
    (core instance $guest (instantiate $clerk
        (with "" (instance (export "memory" (memory $bytes)) (export "note" (func $note))))))
    (func (export "file") (param "copies" u32) (result u32) (canon lift (core func $guest "file"))))"#;

struct Desk;

struct Data {
    meter: Meter,
    lines: Vec<String>,
}

impl Metered for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl Host for Desk {
    type Data = Data;
    type Lease = Vec<String>;

    fn lease(&self, _new: NewLease<'_>) -> Vec<String> {
        Vec::new()
    }

    fn data(&self, meter: Meter, lines: Vec<String>) -> Data {
        Data { meter, lines }
    }

    fn lease_of(data: &mut Data) -> &mut Vec<String> {
        &mut data.lines
    }

    fn has_handles(_lines: &mut Vec<String>) -> bool {
        false
    }
}

impl tasks::acme::desk::notes::Host for Data {
    async fn note(&mut self, line: String) -> u32 {
        tokio::task::yield_now().await;
        self.lines.push(line);
        self.lines.len() as u32
    }
}

impl in_place::acme::desk::notes::Host for Data {
    fn note(&mut self, line: String) -> u32 {
        self.lines.push(line);
        self.lines.len() as u32
    }
}

#[tokio::test]
async fn pool_10_async_bindings_are_called_as_a_task() {
    for isolation in ISOLATIONS {
        let engine = engine();
        let component = Component::new(engine.wasmtime(), CLERK).unwrap();
        let mut linker = Linker::new(engine.wasmtime());
        tasks::Clerk::add_to_linker::<_, HasSelf<_>>(&mut linker, |data: &mut Data| data).unwrap();
        let look_up = |exports: &mut ComponentExports<'_, Data>| {
            let (instance, mut store) = exports.raw();
            Ok(tasks::Clerk::new(&mut store, &instance)?)
        };
        let pool = WasmPool::component(&engine, Desk, &linker, &component, look_up).unwrap();
        let pool = pool.max(1).isolation(isolation).build_async().await.unwrap();
        let acme = pool.principal("acme").unwrap();
        for copies in 1..4 {
            let mut lease = pool.checkout(&acme).await.unwrap().into_owned();
            // Calls are futures that a runtime may run on any of its threads.
            let call = tokio::spawn(async move {
                let filed = lease.run(|store, clerk| Box::pin(clerk.call_file(store, copies)));
                let filed = filed.await?;
                Ok::<_, CallError>((filed, lease.complete()))
            });
            let (filed, lines) = call.await.unwrap().unwrap();
            assert_eq!((filed, lines), (copies, vec!["filed".to_owned(); copies as usize]));
        }
    }
}

#[test]
fn pool_10_sync_bindings_are_called_in_place() {
    for isolation in ISOLATIONS {
        let engine = engine();
        let component = Component::new(engine.wasmtime(), CLERK).unwrap();
        let mut linker = Linker::new(engine.wasmtime());
        in_place::Clerk::add_to_linker::<_, HasSelf<_>>(&mut linker, |data: &mut Data| data)
            .unwrap();
        let look_up = |exports: &mut ComponentExports<'_, Data>| {
            let (instance, mut store) = exports.raw();
            Ok(in_place::Clerk::new(&mut store, &instance)?)
        };
        let pool = WasmPool::component(&engine, Desk, &linker, &component, look_up).unwrap();
        let pool = pool.max(1).isolation(isolation).fuel(1 << 40).in_place().build().unwrap();
        let acme = pool.principal("acme").unwrap();
        for copies in 1..4 {
            let mut lease = pool.checkout_blocking(&acme).unwrap();
            let filed = lease.run_blocking(|store, clerk| clerk.call_file(store, copies)).unwrap();
            assert_eq!((filed, lease.complete().len()), (copies, copies as usize));
        }
    }
}

#[test]
fn a_component_of_another_world_is_refused_when_the_pool_is_built() {
    let engine = engine();
    let component = Component::new(engine.wasmtime(), "(component)").unwrap();
    let linker = Linker::<Data>::new(engine.wasmtime());
    let look_up = |exports: &mut ComponentExports<'_, Data>| {
        let (instance, mut store) = exports.raw();
        Ok(in_place::Clerk::new(&mut store, &instance)?)
    };
    let pool = WasmPool::component(&engine, Desk, &linker, &component, look_up).unwrap();
    let error = pool.max(1).isolation(Isolation::Fresh).build().unwrap_err();
    let ProgramError::Instance(InstantiateError::Export(export)) = &error else {
        panic!("{error:?}")
    };
    assert!(matches!(export.problem, ExportProblem::Bindings { .. }), "{export:?}");
    assert!(error.to_string().contains("`file`"), "{error}");
}
