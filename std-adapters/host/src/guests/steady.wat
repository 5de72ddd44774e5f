;; The well-behaved principal: one short reading, a little work, a nap, for ever.
(module
  (import "host" "emit" (func $emit (param i32 i32)))
  (import "host" "sleep_ms" (func $sleep_ms (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "reading 000000")

  ;; Counts the six digits at `$at` up by one, carrying as an odometer does.
  (func $count_up (param $at i32)
    (local $digit i32)
    (local.set $digit (i32.add (local.get $at) (i32.const 5)))
    (block $done
      (loop $carry
        (br_if $done (i32.lt_u (local.get $digit) (local.get $at)))
        (if (i32.ne (i32.load8_u (local.get $digit)) (i32.const 57))
          (then
            (i32.store8 (local.get $digit)
              (i32.add (i32.load8_u (local.get $digit)) (i32.const 1)))
            (br $done)))
        (i32.store8 (local.get $digit) (i32.const 48))
        (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
        (br $carry))))

  (func (export "run")
    (loop $again
      (call $count_up (i32.const 8))
      (call $emit (i32.const 0) (i32.const 14))
      (call $sleep_ms (i32.const 40))
      (br $again))))
