/// What conversions, times and durations come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let conversions = ##"""
        int(1) ⇒ 1 ¢ 0 of 1…1
        int(1u) ⇒ 1 ¢ 0 of 1…1
        int(1.9) ⇒ 1 ¢ 0 of 1…1
        int(-1.9) ⇒ -1 ¢ 0 of 1…1
        int('42') ⇒ 42 ¢ 0 of 1…1
        int('-42') ⇒ -42 ¢ 0 of 1…1
        int('+42') ⇒ 42 ¢ 0 of 1…1
        int('4 2') ⇒ ✗ type conversion error from 'string' to 'int'
        int('') ⇒ ✗ type conversion error from 'string' to 'int'
        int('0x10') ⇒ ✗ type conversion error from 'string' to 'int'
        int(dyn('abc')) ⇒ ✗ type conversion error from 'string' to 'int'
        int(1e19) ⇒ ✗ integer overflow
        int(9223372036854775807.0) ⇒ ✗ integer overflow
        int(18446744073709551615u) ⇒ ✗ integer overflow
        int(duration('1s')) ⇒ 1000000000 ¢ 0 of 2…2
        int(timestamp('1970-01-01T00:01:00Z')) ⇒ 60 ¢ 0 of 2…2
        int(true) ⇒ ✗ 1:4: found no matching overload for 'int' applied to '(bool)'
        uint(1) ⇒ 1u ¢ 0 of 1…1
        uint(-1) ⇒ ✗ unsigned integer overflow
        uint(1.9) ⇒ 1u ¢ 0 of 1…1
        uint(-1.0) ⇒ ✗ unsigned integer overflow
        uint(1e20) ⇒ ✗ unsigned integer overflow
        uint('42') ⇒ 42u ¢ 0 of 1…1
        uint('-1') ⇒ ✗ type conversion error from 'string' to 'uint'
        uint(5u) ⇒ 5u ¢ 0 of 1…1
        double(1) ⇒ 1d ¢ 0 of 1…1
        double(1u) ⇒ 1d ¢ 0 of 1…1
        double('1.5') ⇒ 1.5d ¢ 0 of 1…1
        double('1e3') ⇒ 1000d ¢ 0 of 1…1
        double('abc') ⇒ ✗ type conversion error from 'string' to 'double'
        double('NaN') ⇒ NaNd ¢ 0 of 1…1
        double('Inf') ⇒ +Infd ¢ 0 of 1…1
        double('-infinity') ⇒ -Infd ¢ 0 of 1…1
        double('0x1p-2') ⇒ 0.25d ¢ 0 of 1…1
        double(' 1') ⇒ ✗ type conversion error from 'string' to 'double'
        double('.5') ⇒ 0.5d ¢ 0 of 1…1
        double('5.') ⇒ 5d ¢ 0 of 1…1
        double('1_0') ⇒ 10d ¢ 0 of 1…1
        double(1.5) ⇒ 1.5d ¢ 0 of 1…1
        string(1) ⇒ "1" ¢ 0 of 1…1
        string(1u) ⇒ "1" ¢ 0 of 1…1
        string(1.5) ⇒ "1.5" ¢ 0 of 1…1
        string(1.0) ⇒ "1" ¢ 0 of 1…1
        string(0.1) ⇒ "0.1" ¢ 0 of 1…1
        string(100000.0) ⇒ "100000" ¢ 0 of 1…1
        string(1000000.0) ⇒ "1e+06" ¢ 0 of 1…1
        string(123456789.0) ⇒ "1.23456789e+08" ¢ 0 of 1…1
        string(0.0001) ⇒ "0.0001" ¢ 0 of 1…1
        string(0.00001) ⇒ "1e-05" ¢ 0 of 1…1
        string(1e100) ⇒ "1e+100" ¢ 0 of 1…1
        string(-0.0) ⇒ "-0" ¢ 0 of 1…1
        string(1.0/0.0) ⇒ "+Inf" ¢ 2 of 2…2
        string(0.0/0.0) ⇒ "NaN" ¢ 2 of 2…2
        string(true) ⇒ "true" ¢ 0 of 1…1
        string('a') ⇒ "a" ¢ 0 of 1…1
        string(b'abc') ⇒ "abc" ¢ 0 of 1…1
        string(b'\xff') ⇒ ✗ invalid UTF-8 in bytes, cannot convert to string
        string(duration('1h30m')) ⇒ "5400s" ¢ 0 of 2…2
        string(duration('1.5s')) ⇒ "1.5s" ¢ 0 of 2…2
        string(duration('1ns')) ⇒ "0.000000001s" ¢ 0 of 2…2
        string(duration('-1m')) ⇒ "-60s" ¢ 0 of 2…2
        string(timestamp('2009-02-13T23:31:30Z')) ⇒ "2009-02-13T23:31:30Z" ¢ 0 of 2…2
        string(timestamp('2009-02-13T23:31:30.123456789Z')) ⇒ "2009-02-13T23:31:30.123456789Z" ¢ 0 of 2…2
        string(timestamp('2009-02-13T23:31:30+02:00')) ⇒ "2009-02-13T23:31:30+02:00" ¢ 0 of 2…2
        string(timestamp(0)) ⇒ "1970-01-01T00:00:00Z" ¢ 0 of 2…2
        string([1]) ⇒ ✗ 1:7: found no matching overload for 'string' applied to '(list(int))'
        string(type(1)) ⇒ ✗ 1:7: found no matching overload for 'string' applied to '(type(int))'
        string(ip('::1')) ⇒ "::1" ¢ 2 of 2…2
        string(cidr('10.0.0.0/8')) ⇒ "10.0.0.0/8" ¢ 2 of 2…2
        bytes('abc') ⇒ b616263 ¢ 0 of 1…1
        bytes('é') ⇒ bc3a9 ¢ 0 of 1…1
        bytes(b'abc') ⇒ b616263 ¢ 0 of 1…1
        bytes(1) ⇒ ✗ 1:6: found no matching overload for 'bytes' applied to '(int)'
        bool('true') ⇒ true ¢ 0 of 1…1
        bool('false') ⇒ false ¢ 0 of 1…1
        bool('1') ⇒ true ¢ 0 of 1…1
        bool('T') ⇒ true ¢ 0 of 1…1
        bool('yes') ⇒ ✗ type conversion error from 'string' to 'bool'
        bool(true) ⇒ true ¢ 0 of 1…1
        bool(1) ⇒ ✗ 1:5: found no matching overload for 'bool' applied to '(int)'
        duration('1h') ⇒ duration(3600s) ¢ 0 of 1…1
        duration('1h1m1s1ms1us1ns') ⇒ duration(3661.001001001s) ¢ 0 of 1…1
        duration('1.5h') ⇒ duration(5400s) ¢ 0 of 1…1
        duration('-1.5h') ⇒ duration(-5400s) ¢ 0 of 1…1
        duration('+5s') ⇒ duration(5s) ¢ 0 of 1…1
        duration('0') ⇒ duration(0s) ¢ 0 of 1…1
        duration('') ⇒ ✗ 1:10: invalid duration argument
        duration('1') ⇒ ✗ 1:10: invalid duration argument
        duration('1d') ⇒ ✗ 1:10: invalid duration argument
        duration('1µs') ⇒ duration(0.000001s) ¢ 0 of 1…1
        duration('.5s') ⇒ duration(0.5s) ¢ 0 of 1…1
        duration('5.s') ⇒ duration(5s) ¢ 0 of 1…1
        duration('.s') ⇒ ✗ 1:10: invalid duration argument
        duration('2562047h47m16.854775807s') ⇒ duration(9223372036.854776s) ¢ 0 of 1…1
        duration('2562047h47m16.854775808s') ⇒ ✗ 1:10: invalid duration argument
        duration('-2562047h47m16.854775808s') ⇒ duration(-9223372036.854776s) ¢ 0 of 1…1
        duration('0.000000000000000001s') ⇒ duration(0s) ¢ 0 of 1…1
        duration(1000000000) ⇒ ✗ 1:10: invalid duration argument
        duration(duration('1s')) ⇒ duration(1s) ¢ 0 of 2…2
        duration(dyn('xyz')) ⇒ ✗ type conversion error from 'string' to 'google.protobuf.Duration'
        timestamp('2020-01-01T00:00:00Z') ⇒ timestamp(2020-01-01T00:00:00Z) ¢ 0 of 1…1
        timestamp('2020-01-01T00:00:00.5Z') ⇒ timestamp(2020-01-01T00:00:00.5Z) ¢ 0 of 1…1
        timestamp('2020-01-01T00:00:00-08:00') ⇒ timestamp(2020-01-01T00:00:00-08:00) ¢ 0 of 1…1
        timestamp('2020-02-30T00:00:00Z') ⇒ ✗ 1:11: invalid timestamp argument
        timestamp('2020-02-29T00:00:00Z') ⇒ timestamp(2020-02-29T00:00:00Z) ¢ 0 of 1…1
        timestamp('2019-02-29T00:00:00Z') ⇒ ✗ 1:11: invalid timestamp argument
        timestamp('2020-01-01') ⇒ ✗ 1:11: invalid timestamp argument
        timestamp('2020-01-01t00:00:00z') ⇒ ✗ 1:11: invalid timestamp argument
        timestamp('2020-01-01T24:00:00Z') ⇒ ✗ 1:11: invalid timestamp argument
        timestamp('2020-01-01T23:59:60Z') ⇒ ✗ 1:11: invalid timestamp argument
        timestamp('10000-01-01T00:00:00Z') ⇒ ✗ 1:11: invalid timestamp argument
        timestamp('0000-01-01T00:00:00Z') ⇒ ✗ 1:11: invalid timestamp argument
        timestamp(0) ⇒ timestamp(1970-01-01T00:00:00Z) ¢ 0 of 1…1
        timestamp(1577836800) ⇒ timestamp(2020-01-01T00:00:00Z) ¢ 0 of 1…1
        timestamp(-62135596800) ⇒ timestamp(0001-01-01T00:00:00Z) ¢ 0 of 1…1
        timestamp(-62135596801) ⇒ ✗ 1:11: invalid timestamp argument
        timestamp(253402300799) ⇒ timestamp(9999-12-31T23:59:59Z) ¢ 0 of 1…1
        timestamp(253402300800) ⇒ ✗ 1:11: invalid timestamp argument
        timestamp(timestamp(5)) ⇒ timestamp(1970-01-01T00:00:05Z) ¢ 0 of 2…2
        dyn(1) ⇒ 1 ¢ 0 of 1…1
        dyn('a') == 'a' ⇒ true ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getFullYear() ⇒ 2013 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getMonth() ⇒ 1 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getDayOfYear() ⇒ 42 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getDayOfMonth() ⇒ 11 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getDate() ⇒ 12 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getDayOfWeek() ⇒ 2 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getHours() ⇒ 4 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getMinutes() ⇒ 10 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getSeconds() ⇒ 53 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53.123Z').getMilliseconds() ⇒ 123 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getHours('America/New_York') ⇒ 23 ¢ 1 of 2…2
        timestamp('2013-07-12T04:10:53Z').getHours('America/New_York') ⇒ 0 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getDate('US/Pacific') ⇒ 11 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getHours('Asia/Kolkata') ⇒ 9 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getMinutes('Asia/Kolkata') ⇒ 40 ¢ 1 of 2…2
        timestamp('2050-07-12T04:10:53Z').getHours('Europe/Berlin') ⇒ 6 ¢ 1 of 2…2
        timestamp('2050-01-12T04:10:53Z').getHours('Europe/Berlin') ⇒ 5 ¢ 1 of 2…2
        timestamp('1900-01-12T04:10:53Z').getHours('Europe/Berlin') ⇒ 5 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getHours('Australia/Sydney') ⇒ 15 ¢ 1 of 2…2
        timestamp('2050-02-12T04:10:53Z').getHours('Australia/Sydney') ⇒ 15 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getHours('UTC') ⇒ 4 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getHours('') ⇒ 4 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getHours('+05:30') ⇒ 9 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getHours('-08:00') ⇒ 20 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getMinutes('02:30') ⇒ 40 ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getHours('Not/AZone') ⇒ ! unknown time zone Not/AZone ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getHours('ab:cd') ⇒ ! strconv.Atoi: parsing "ab": invalid syntax ¢ 1 of 2…2
        timestamp('2013-02-12T04:10:53Z').getFullYear('US/Central') ⇒ 2013 ¢ 1 of 2…2
        timestamp('2013-01-01T04:10:53Z').getFullYear('US/Central') ⇒ 2012 ¢ 1 of 2…2
        timestamp('2013-01-01T04:10:53Z').getDayOfYear('US/Central') ⇒ 365 ¢ 1 of 2…2
        timestamp('2013-01-01T04:10:53Z').getDayOfWeek('US/Central') ⇒ 1 ¢ 1 of 2…2
        timestamp('2013-01-01T04:10:53Z').getMonth('US/Central') ⇒ 11 ¢ 1 of 2…2
        timestamp('2013-01-01T04:10:53Z').getDayOfMonth('US/Central') ⇒ 30 ¢ 1 of 2…2
        timestamp('2013-01-01T04:10:53Z').getSeconds('US/Central') ⇒ 53 ¢ 1 of 2…2
        timestamp('2013-01-01T04:10:53Z').getMilliseconds('US/Central') ⇒ 0 ¢ 1 of 2…2
        timestamp('0001-01-01T00:00:00Z').getDayOfWeek() ⇒ 1 ¢ 1 of 2…2
        timestamp('9999-12-31T23:59:59Z').getDayOfYear() ⇒ 364 ¢ 1 of 2…2
        timestamp('2020-12-31T23:59:59Z').getDayOfYear() ⇒ 365 ¢ 1 of 2…2
        duration('1h30m45.5s').getHours() ⇒ 1 ¢ 1 of 2…2
        duration('1h30m45.5s').getMinutes() ⇒ 90 ¢ 1 of 2…2
        duration('1h30m45.5s').getSeconds() ⇒ 5445 ¢ 1 of 2…2
        duration('1h30m45.5s').getMilliseconds() ⇒ 5445500 ¢ 1 of 2…2
        duration('1h').getFullYear() ⇒ ✗ 1:27: found no matching overload for 'getFullYear' applied to 'duration.()'
        """##
}
