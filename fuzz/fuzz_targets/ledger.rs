//! Glue: see `plimsoll_fuzz::ledger`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(ledger);
