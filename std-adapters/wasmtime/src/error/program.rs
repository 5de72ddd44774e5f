//! Errors of a program and of its pool.

use std::fmt;
use std::io;

use wasmparser::{BinaryReaderError, WasmFeatures};

use super::{AllowanceError, Escaped, InstanceLimit, InstantiateError};
use plimsoll::pool::{Isolation, PoolError};

/// A part of WebAssembly that an engine has only if it is asked for by name, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feature {
    /// Garbage-collected types, and references that need a heap of the engine's.
    Gc,
    /// Exceptions, which need such a heap too.
    Exceptions,
    /// Component functions that run concurrently.
    ComponentModelAsync,
    /// Stack switching; in no engine, for its stacks cannot be metered.
    StackSwitching,
    /// Memories that threads share; in no engine, for they cannot be metered.
    SharedMemory,
    /// Another proposal, by the validator's name.
    Other(&'static str),
}

impl Feature {
    fn of(missing: WasmFeatures) -> Self {
        let gc = WasmFeatures::GC
            | WasmFeatures::GC_TYPES
            | WasmFeatures::FUNCTION_REFERENCES
            | WasmFeatures::REFERENCE_TYPES;
        let concurrent = WasmFeatures::CM_ASYNC
            | WasmFeatures::CM_ASYNC_STACKFUL
            | WasmFeatures::CM_MORE_ASYNC_BUILTINS
            | WasmFeatures::CM_THREADING;
        let shared = WasmFeatures::THREADS | WasmFeatures::SHARED_EVERYTHING_THREADS;
        match missing {
            missing if gc.contains(missing) => Self::Gc,
            missing if concurrent.contains(missing) => Self::ComponentModelAsync,
            missing if shared.contains(missing) => Self::SharedMemory,
            WasmFeatures::EXCEPTIONS => Self::Exceptions,
            WasmFeatures::STACK_SWITCHING => Self::StackSwitching,
            other => Self::Other(other.iter_names().next().map_or("a proposal", |(name, _)| name)),
        }
    }

    /// The method of [`WasmEngineBuilder`](crate::WasmEngineBuilder) that asks for it.
    fn method(self) -> Option<&'static str> {
        match self {
            Self::Gc => Some("gc"),
            Self::Exceptions => Some("exceptions"),
            Self::ComponentModelAsync => Some("component_model_async"),
            Self::StackSwitching | Self::SharedMemory | Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gc => "garbage collection",
            Self::Exceptions => "exceptions",
            Self::ComponentModelAsync => "component-model async",
            Self::StackSwitching => "stack switching",
            Self::SharedMemory => "shared memories",
            Self::Other(name) => return f.write_str(&name.to_lowercase().replace('_', "-")),
        })
    }
}

/// Why there is no pool of this program.
///
/// What `wasmtime::Module::new` or `Component::new` says becomes one too, so that `?` tells a
/// program that is not valid from one that is too large for the engine.
///
/// The error has no source: its message holds all causes, escaped, and its variants have them as
/// they were made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// wasmtime refuses it: it is not valid WebAssembly, or was compiled with other settings.
    #[error("wasmtime refuses the program: {}", Escaped(.cause))]
    Malformed {
        /// What is wrong with it, and where.
        cause: wasmtime::Error,
    },
    /// It needs a feature that the engine does not have.
    #[error(fmt = feature_off)]
    FeatureOff {
        /// Which one.
        feature: Feature,
        /// Where.
        cause: wasmtime::Error,
    },
    /// It has more of something than the engine has room for in each instance.
    #[error("the program has {needed} {limit}, where the engine allows {allowed}")]
    TooMany {
        /// Of what.
        limit: InstanceLimit,
        /// How many it has.
        needed: u64,
        /// How many it may have.
        allowed: u64,
    },
    /// A part of it is larger, or there are more parts, than the engine has room for.
    #[error("the program is too large for the engine: {}", Escaped(.cause))]
    TooLarge {
        /// Which part and which limit, in wasmtime's words.
        cause: wasmtime::Error,
    },
    /// It was compiled or linked for another engine.
    #[error("the program was made for another engine")]
    ForeignEngine,
    /// It was precompiled for an engine with other settings, another version of wasmtime, or another target.
    #[error("the program was compiled for another engine: {}", Escaped(.cause))]
    CompiledOtherwise {
        /// What differs, in wasmtime's words.
        cause: wasmtime::Error,
    },
    /// It imports something that the linker does not have, or has with another type.
    #[error("the program cannot be linked: {}", Escaped(.cause))]
    Import {
        /// What it is.
        cause: wasmtime::Error,
    },
    /// The first instance could not be built.
    #[error(transparent)]
    Instance(#[from] InstantiateError),
    /// The engine has no room for so many instances. A closed pool holds its room until it is
    /// [drained](crate::WasmPool::drained).
    #[error(
        "a pool of {asked} instances does not fit into an engine with room for {left} more of {of}"
    )]
    EngineFull {
        /// What was asked.
        asked: usize,
        /// How many more there is room for.
        left: usize,
        /// How many there is room for in all.
        of: usize,
    },
    /// What a lease may use cannot be granted.
    #[error(transparent)]
    Allowance(#[from] AllowanceError),
    /// Guests are to run in place, and no fuel is set.
    #[error("guests that run in place need a limit on their fuel: set `fuel`")]
    NoFuel,
    /// The operating system gives no thread.
    #[error("the thread of the engine's clock cannot be started: {cause}")]
    Thread {
        /// Why.
        cause: io::Error,
    },
    /// An instance is to be kept when its lease is dropped, in a pool of more than one, or of one that is
    /// not its principal's own.
    #[error(
        "an instance is kept on drop in a pool of 1 with PerPrincipal isolation only (this one has {max} \
         with {isolation:?})"
    )]
    KeepOnDrop {
        /// How many instances the pool has.
        max: usize,
        /// Whose they are.
        isolation: Isolation,
    },
    /// The pool's settings contradict each other.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

fn feature_off(
    feature: &Feature,
    cause: &wasmtime::Error,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "the program needs {feature}, which the engine does not have")?;
    if let Some(method) = feature.method() {
        write!(f, " unless it is built with `{method}`")?;
    }
    write!(f, ": {}", Escaped(cause))
}

/// How wasmtime begins to say that a memory is shared.
const SHARED: [&str; 2] = ["memory is shared ", "shared memory support is disabled "];

/// How wasmtime begins to say that a program was precompiled otherwise.
const COMPILED: [&str; 3] =
    ["Module was compiled ", "Module compiled ", "compilation settings of "];

/// How the validator ends what it says of function bodies, which reaches us as text, and the feature that
/// is missing.
const IN_BODIES: [(&str, Feature); 10] = [
    ("gc support is not enabled", Feature::Gc),
    ("heap types not supported without the gc feature", Feature::Gc),
    ("gc types are disallowed but found type which requires gc", Feature::Gc),
    ("function references required for index reference types", Feature::Gc),
    ("function references required for reference types", Feature::Gc),
    ("reference types support is not enabled", Feature::Gc),
    ("exceptions support is not enabled", Feature::Exceptions),
    ("threads support is not enabled", Feature::SharedMemory),
    ("shared-everything-threads support is not enabled", Feature::SharedMemory),
    ("stack switching support is not enabled", Feature::StackSwitching),
];

/// How wasmtime begins to say that a part of a program is too large for the allocator.
const SIZE: [&str; 8] = [
    "instance allocation for this ",
    "The component transitively contains ",
    "maximum memory size of ",
    "defined memories count of ",
    "defined tables count of ",
    "memory has a minimum byte size of ",
    "memory index ",
    "table index ",
];

impl From<wasmtime::Error> for ProgramError {
    fn from(cause: wasmtime::Error) -> Self {
        let invalid = cause.chain().find_map(|link| link.downcast_ref::<BinaryReaderError>());
        if let Some(invalid) = invalid {
            return match invalid.missing_wasm_feature().map(Feature::of) {
                Some(feature) => Self::FeatureOff { feature, cause },
                None => Self::Malformed { cause },
            };
        }
        // The rest has no type, only words; no guest's name stands at their beginning.
        let root = cause.root_cause().to_string();
        let begins = |words: &&str| root.starts_with(words);
        let in_bodies = IN_BODIES.iter().find(|(words, _)| root.ends_with(words));
        if let Some(&(_, feature)) = in_bodies {
            Self::FeatureOff { feature, cause }
        } else if SHARED.iter().any(begins) {
            Self::FeatureOff { feature: Feature::SharedMemory, cause }
        } else if COMPILED.iter().any(begins) {
            Self::CompiledOtherwise { cause }
        } else if SIZE.iter().any(begins) {
            Self::TooLarge { cause }
        } else {
            Self::Malformed { cause }
        }
    }
}
