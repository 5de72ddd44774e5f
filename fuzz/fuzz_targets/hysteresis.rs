//! Glue: see `plimsoll_fuzz::hysteresis`.
#![cfg_attr(fuzzing, no_main)]

plimsoll_fuzz::target!(hysteresis);
