//! Blame for the end of a call: the guest's or the host's (METER-7).
//!
//! Most ends have a type of their own. wasmtime gives some of them only a message: the beginning of the
//! root cause's message is compared then. A host error that begins in the same way is misjudged.

#[cfg(feature = "component-model")]
use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap};

use crate::error::{CallError, TooDeep};
use crate::handles::HandleError;

/// A component handed over more than its call may have the host take.
const LIFT: &str = "too much data is being copied between the host and the guest: ";

/// A component has used up its handles.
const HANDLES: [&str; 2] = [
    "cannot allocate another handle: store handle limit exceeded",
    "cannot lend resource: store handle limit exceeded",
];

/// How wasmtime begins to say that a store is not for calls on their callers' stacks.
pub(crate) const NEEDS_ASYNC: &str = "store configuration requires that ";

/// How wasmtime's messages begin that say that a component broke the canonical ABI.
const BROKEN_ABI: [&str; 33] = [
    "unknown handle index ",
    "index is not a resource",
    "handle is not a stream",
    "handle is not a future",
    "handle is not a readable end of a ",
    "handle is not an error-context",
    "handle is not a subtask",
    "handle is not an waitable-set",
    "handle is not a waitable",
    "handle is not a guest thread",
    "handle is a stream of a different type",
    "handle is a future of a different type",
    "cannot remove busy stream",
    "cannot remove busy future",
    "cannot drop busy stream",
    "cannot drop busy future",
    "cannot allocate another handle: index overflow",
    "cannot lend resource: too many active lends",
    "cannot remove owned resource while borrowed",
    "return pointer not aligned",
    "string pointer not aligned to ",
    "string pointer/length out of bounds of memory",
    "list pointer is not aligned",
    "list pointer/length out of bounds of memory",
    "map pointer is not aligned",
    "map pointer/length out of bounds of memory",
    "realloc return: result not aligned",
    "realloc return: beyond end of memory",
    "invalid option discriminant",
    "invalid expected discriminant",
    "unexpected discriminant: ",
    "invalid utf-8 sequence",
    "invalid utf-16 sequence",
];

/// What an error of wasmtime's says.
pub(crate) fn classify(cause: wasmtime::Error) -> CallError {
    if let Some(&trap) = cause.downcast_ref::<Trap>() {
        return CallError::Trapped { trap };
    }
    if let Some(&TooDeep { allowed }) = cause.downcast_ref::<TooDeep>() {
        return CallError::TooDeep { allowed };
    }
    if is_full_table(&cause) {
        return CallError::OutOfHandles;
    }
    if cause.is::<PoolConcurrencyLimitError>() {
        return CallError::NoRoom { cause };
    }
    #[cfg(feature = "gc")]
    {
        if cause.is::<wasmtime::ThrownException>() {
            return CallError::UncaughtException;
        }
        if cause.is::<wasmtime::GcHeapOutOfMemory<()>>() {
            return CallError::GcHeapFull;
        }
    }
    let root = cause.root_cause().to_string();
    if root.starts_with(NEEDS_ASYNC) {
        return CallError::NotInPlace;
    }
    if root.starts_with(LIFT) {
        return CallError::TooMuchHandedOver;
    }
    if HANDLES.contains(&root.as_str()) {
        return CallError::OutOfHandles;
    }
    if BROKEN_ABI.iter().any(|words| root.starts_with(words)) {
        return CallError::BrokenAbi { cause };
    }
    CallError::Failed { cause }
}

/// Whether there was no room for one more object that the guest asked for: in a table of a host
/// function's, such as one of WASI, or in wasmtime's own of the tasks.
fn is_full_table(cause: &wasmtime::Error) -> bool {
    #[cfg(feature = "component-model")]
    if let Some(ResourceTableError::Full) = cause.downcast_ref() {
        return true;
    }
    matches!(cause.downcast_ref(), Some(HandleError::Full { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meter_7_the_hosts_own_errors_are_its_own() {
        let failed = |text: &str| {
            matches!(classify(wasmtime::format_err!("{text}")), CallError::Failed { .. })
        };
        assert!(failed("the database is down"));
        assert!(failed("it said: unknown handle index 7"));
        assert!(failed("handle is not available") && failed("handle is a secret"));
        assert!(failed("byte length too large"), "the host lowers too long a string");
        assert!(!failed("unknown handle index 7"));
    }

    #[test]
    fn meter_7_a_guest_that_fills_a_table_of_the_hosts_is_to_blame() {
        let full = HandleError::Full { capacity: 1 };
        assert!(matches!(classify(full.into()), CallError::OutOfHandles));
        let missing = HandleError::Unknown { handle: 1 };
        assert!(matches!(classify(missing.into()), CallError::Failed { .. }));
        #[cfg(feature = "component-model")]
        {
            let [full, missing] = [ResourceTableError::Full, ResourceTableError::NotPresent];
            assert!(matches!(classify(full.into()), CallError::OutOfHandles));
            assert!(matches!(classify(missing.into()), CallError::Failed { .. }));
        }
    }

    #[test]
    fn meter_7_a_cause_is_found_below_its_context() {
        let deep = wasmtime::Error::from(TooDeep { allowed: 3 }).context("in a callback");
        assert!(matches!(classify(deep), CallError::TooDeep { allowed: 3 }));
        let trap = wasmtime::Error::from(Trap::IntegerOverflow).context("in a callback");
        let CallError::Trapped { trap } = classify(trap) else { panic!("a trap") };
        assert_eq!(trap, Trap::IntegerOverflow);
    }
}
