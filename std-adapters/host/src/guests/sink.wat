;; The slow sink: takes one frame, hashes it (FNV-1a), and rests before the next.
(module
  (import "host" "next" (func $next (param i32 i32) (result i32)))
  (import "host" "sleep_ms" (func $sleep_ms (param i32)))
  (memory (export "memory") 1)
  (global $hash (export "hash") (mut i64) (i64.const 0xcbf29ce484222325))

  (func $digest (param $length i32)
    (local $at i32)
    (block $done
      (loop $byte
        (br_if $done (i32.ge_u (local.get $at) (local.get $length)))
        (global.set $hash
          (i64.mul
            (i64.xor (global.get $hash) (i64.load8_u (local.get $at)))
            (i64.const 0x100000001b3)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $byte))))

  ;; Returns when the host says, by a negative length, that no frame will come any more.
  (func (export "run")
    (local $length i32)
    (block $closed
      (loop $again
        (local.set $length (call $next (i32.const 0) (i32.const 256)))
        (br_if $closed (i32.lt_s (local.get $length) (i32.const 0)))
        (call $digest (local.get $length))
        (call $sleep_ms (i32.const 8))
        (br $again)))))
