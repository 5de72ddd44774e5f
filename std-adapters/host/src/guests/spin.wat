;; The endless loop: three frames of good manners, then a turn that never ends by itself. It is silent
;; from there on, until the host stops it.
(module
  (import "host" "emit" (func $emit (param i32 i32)))
  (import "host" "sleep_ms" (func $sleep_ms (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "all is well")
  (global $spins (mut i64) (i64.const 0))

  (func (export "run")
    (local $left i32)
    (local.set $left (i32.const 3))
    (loop $polite
      (call $emit (i32.const 0) (i32.const 11))
      (call $sleep_ms (i32.const 120))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $polite (local.get $left)))
    (loop $forever
      (global.set $spins (i64.add (global.get $spins) (i64.const 1)))
      (br $forever))))
