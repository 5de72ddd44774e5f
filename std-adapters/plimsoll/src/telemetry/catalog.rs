//! Names of limits, declared once.

use plimsoll_core::error_type::error_type;

/// Declares a catalog of limits: an enum of their names, by category.
///
/// The names are checked at compile time. The enum has `ALL`, `as_str`, `category`, `Display`,
/// `FromStr` and `From` into a [`Limit`](crate::Limit), and its documentation lists the names.
///
/// ```
/// plimsoll::limits! {
///     /// What our workers are bounded by.
///     pub enum WorkerLimit {
///         Queue: Jobs = "jobs", Replies = "replies";
///         Memory: ScratchBytes = "scratch_bytes";
///     }
/// }
/// use plimsoll::{Category, Registry, Watermarks};
///
/// assert_eq!(WorkerLimit::ALL.len(), 3);
/// assert_eq!(WorkerLimit::ScratchBytes.category(), Category::Memory);
/// assert_eq!("jobs".parse(), Ok(WorkerLimit::Jobs));
/// let jobs = Registry::new().gauge(WorkerLimit::Jobs, Watermarks::new(100))?;
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
///
/// ```compile_fail,E0080
/// plimsoll::limits! { pub enum Bad { Queue: Jobs = "Jobs"; } }
/// ```
#[macro_export]
macro_rules! limits {
    (
        $(#[$meta:meta])*
        $vis:vis enum $catalog:ident {
            $($category:ident: $($limit:ident = $name:literal),+ $(,)?);+ $(;)?
        }
    ) => {
        $(#[$meta])*
        ///
        /// | limit | category | |
        /// |---|---|---|
        $($(
            #[doc = ::core::concat!(
                "| `", $name, "` | ", ::core::stringify!($category),
                " | [`", ::core::stringify!($limit), "`](Self::", ::core::stringify!($limit), ") |",
            )]
        )+)+
        #[derive(
            ::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug,
            ::core::cmp::PartialEq, ::core::cmp::Eq, ::core::hash::Hash,
        )]
        $vis enum $catalog {
            $($(
                #[doc = ::core::concat!("`", $name, "`")]
                $limit,
            )+)+
        }

        const _: () = {
            $($(
                ::core::assert!(
                    $crate::Limit::is_valid_name($name),
                    "the name of a limit has 1 to 64 bytes of a-z, 0-9 and _",
                );
            )+)+
        };

        impl $catalog {
            /// All limits, in the order of their declaration.
            $vis const ALL: &'static [$catalog] = &[$($($catalog::$limit,)+)+];

            /// The name.
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $($($catalog::$limit => $name,)+)+
                }
            }

            /// The category.
            $vis const fn category(self) -> $crate::Category {
                match self {
                    $($($catalog::$limit => $crate::Category::$category,)+)+
                }
            }
        }

        impl ::core::fmt::Display for $catalog {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::core::str::FromStr for $catalog {
            type Err = $crate::catalog::UnknownLimit;

            fn from_str(name: &str) -> ::core::result::Result<Self, Self::Err> {
                match name {
                    $($($name => ::core::result::Result::Ok($catalog::$limit),)+)+
                    _ => ::core::result::Result::Err($crate::catalog::UnknownLimit::new(name)),
                }
            }
        }

        impl ::core::convert::From<$catalog> for $crate::Limit {
            fn from(limit: $catalog) -> Self {
                $crate::Limit::new(limit.as_str(), limit.category())
            }
        }
    };
}

error_type! {
    /// A name that a catalog does not have.
    #[error("the catalog has no limit named {name:?}")]
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct UnknownLimit {
        name: String,
    }
}

impl UnknownLimit {
    #[doc(hidden)]
    pub fn new(name: &str) -> Self {
        Self { name: name.into() }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

limits! {
    /// What a host of sandboxed guests is bounded by.
    pub enum SandboxLimit {
        Queue:
            JavascriptEventChannel = "javascript_event_channel",
            V8SessionFrames = "v8_session_frames",
            SidecarStdinFrames = "sidecar_stdin_frames",
            SidecarStdoutFrames = "sidecar_stdout_frames",
            CompletedSidecarResponses = "completed_sidecar_responses",
            PendingProcessEvents = "pending_process_events",
            PendingSidecarResponses = "pending_sidecar_responses",
            OutboundSidecarRequests = "outbound_sidecar_requests";
        Resource:
            VmProcesses = "vm_processes",
            VmOpenFds = "vm_open_fds",
            VmPipes = "vm_pipes",
            VmPtys = "vm_ptys",
            VmSockets = "vm_sockets",
            VmConnections = "vm_connections",
            VmSocketBufferedBytes = "vm_socket_buffered_bytes",
            VmSocketDatagramQueueLen = "vm_socket_datagram_queue_len",
            VmFilesystemBytes = "vm_filesystem_bytes",
            VmInodes = "vm_inodes";
        Memory:
            V8HeapBytes = "v8_heap_bytes",
            WasmMemoryBytes = "wasm_memory_bytes";
        Cpu:
            V8CpuTimeMs = "v8_cpu_time_ms",
            V8WallClockMs = "v8_wall_clock_ms",
            WasmFuelMs = "wasm_fuel_ms";
    }
}
