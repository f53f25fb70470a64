/// What operators, indexes and fields come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let operators = ##"""
        1 + 2 ⇒ 3 ¢ 1 of 1…1
        1 - 2 ⇒ -1 ¢ 1 of 1…1
        2 * 3 ⇒ 6 ¢ 1 of 1…1
        7 / 2 ⇒ 3 ¢ 1 of 1…1
        -7 / 2 ⇒ -3 ¢ 1 of 1…1
        7 % 3 ⇒ 1 ¢ 1 of 1…1
        -7 % 3 ⇒ -1 ¢ 1 of 1…1
        1u + 2u ⇒ 3u ¢ 1 of 1…1
        1u - 2u ⇒ ! unsigned integer overflow ¢ 1 of 1…1
        2u * 3u ⇒ 6u ¢ 1 of 1…1
        7u / 2u ⇒ 3u ¢ 1 of 1…1
        7u % 3u ⇒ 1u ¢ 1 of 1…1
        1.5 + 2.5 ⇒ 4d ¢ 1 of 1…1
        1.5 - 2.5 ⇒ -1d ¢ 1 of 1…1
        1.5 * 2.0 ⇒ 3d ¢ 1 of 1…1
        1.0 / 0.0 ⇒ +Infd ¢ 1 of 1…1
        -1.0 / 0.0 ⇒ -Infd ¢ 1 of 1…1
        0.0 / 0.0 ⇒ NaNd ¢ 1 of 1…1
        1 / 0 ⇒ ! division by zero ¢ 1 of 1…1
        1 % 0 ⇒ ! modulus by zero ¢ 1 of 1…1
        1u / 0u ⇒ ! division by zero ¢ 1 of 1…1
        1u % 0u ⇒ ! modulus by zero ¢ 1 of 1…1
        9223372036854775807 + 1 ⇒ ! integer overflow ¢ 1 of 1…1
        -9223372036854775808 - 1 ⇒ ! integer overflow ¢ 1 of 1…1
        9223372036854775807 * 2 ⇒ ! integer overflow ¢ 1 of 1…1
        -9223372036854775808 / -1 ⇒ ! integer overflow ¢ 1 of 1…1
        -9223372036854775808 % -1 ⇒ ! integer overflow ¢ 1 of 1…1
        -(-9223372036854775808) ⇒ ! integer overflow ¢ 1 of 1…1
        18446744073709551615u + 1u ⇒ ! unsigned integer overflow ¢ 1 of 1…1
        0u - 1u ⇒ ! unsigned integer overflow ¢ 1 of 1…1
        18446744073709551615u * 2u ⇒ ! unsigned integer overflow ¢ 1 of 1…1
        'a' + 'b' ⇒ "ab" ¢ 1 of 1…1
        b'a' + b'b' ⇒ b6162 ¢ 1 of 1…1
        [1] + [2] ⇒ [1, 2] ¢ 1 of 21…21
        [] + [1] ⇒ [1] ¢ 1 of 21…21
        1 + 2u ⇒ ✗ 1:3: found no matching overload for '_+_' applied to '(int, uint)'
        1 + 1.0 ⇒ ✗ 1:3: found no matching overload for '_+_' applied to '(int, double)'
        'a' + 1 ⇒ ✗ 1:5: found no matching overload for '_+_' applied to '(string, int)'
        -5 ⇒ -5 ¢ 0 of 0…0
        -5.5 ⇒ -5.5d ¢ 0 of 0…0
        -(5) ⇒ -5 ¢ 1 of 1…1
        -5u ⇒ ✗ 1:1: found no matching overload for '-_' applied to '(uint)'
        !true ⇒ false ¢ 1 of 1…1
        !(1 == 1) ⇒ false ¢ 2 of 2…2
        duration('1h') + duration('30m') ⇒ duration(5400s) ¢ 1 of 3…3
        duration('1h') - duration('30m') ⇒ duration(1800s) ¢ 1 of 3…3
        -duration('1h') ⇒ ✗ 1:1: found no matching overload for '-_' applied to '(duration)'
        timestamp('2020-01-01T00:00:00Z') + duration('1h') ⇒ timestamp(2020-01-01T01:00:00Z) ¢ 1 of 3…3
        duration('1h') + timestamp('2020-01-01T00:00:00Z') ⇒ timestamp(2020-01-01T01:00:00Z) ¢ 1 of 3…3
        timestamp('2020-01-01T01:00:00Z') - duration('1h') ⇒ timestamp(2020-01-01T00:00:00Z) ¢ 1 of 3…3
        timestamp('2020-01-01T01:00:00Z') - timestamp('2020-01-01T00:00:00Z') ⇒ duration(3600s) ¢ 1 of 3…3
        timestamp('9999-12-31T23:59:59Z') + duration('1s') ⇒ ! timestamp overflow ¢ 1 of 3…3
        timestamp('0001-01-01T00:00:00Z') - duration('1s') ⇒ ! timestamp overflow ¢ 1 of 3…3
        timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z') ⇒ ! integer overflow ¢ 1 of 3…3
        duration('2540400h') + duration('2540400h') ⇒ ! integer overflow ¢ 1 of 3…3
        1 == 1 ⇒ true ¢ 1 of 1…1
        1 == 2 ⇒ false ¢ 1 of 1…1
        1 != 2 ⇒ true ¢ 1 of 1…1
        1 == 1u ⇒ ✗ 1:3: found no matching overload for '_==_' applied to '(int, uint)'
        1 == 1.0 ⇒ ✗ 1:3: found no matching overload for '_==_' applied to '(int, double)'
        dyn(1) == 1u ⇒ true ¢ 1 of 2…2
        dyn(1) == 1.0 ⇒ true ¢ 1 of 2…2
        dyn(1u) == 1.0 ⇒ true ¢ 1 of 2…2
        dyn(1) == 'a' ⇒ false ¢ 1 of 2…2
        dyn('1') == 1 ⇒ false ¢ 1 of 2…2
        dyn(9007199254740993) == 9007199254740992.0 ⇒ true ¢ 1 of 2…2
        dyn(0.0/0.0) == 0.0/0.0 ⇒ false ¢ 4 of 4…4
        0.0 == -0.0 ⇒ true ¢ 1 of 1…1
        'a' == 'a' ⇒ true ¢ 1 of 1…1
        'é' == 'é' ⇒ true ¢ 1 of 1…1
        b'a' == b'a' ⇒ true ¢ 1 of 1…1
        null == null ⇒ true ¢ 1 of 1…1
        obj.z == null ⇒ true ¢ 3 of 2…2
        obj.s == null ⇒ false ¢ 3 of 2…2
        [1, 2] == [1, 2] ⇒ true ¢ 1 of 21…21
        [1, 2] == [2, 1] ⇒ false ¢ 1 of 21…21
        [dyn(1), 2.0] == [1.0, 2] ⇒ ✗ 1:10: expected type 'dyn' but found 'double' | 1:24: expected type 'double' but found 'int'
        [1] == [] ⇒ false ¢ 0 of 20…20
        {'a': 1} == {'a': 1} ⇒ true ¢ 1 of 61…61
        {'a': 1, 'b': 2} == {'b': 2, 'a': 1} ⇒ true ¢ 1 of 61…61
        {'a': dyn(1)} == {'a': 1.0} ⇒ true ¢ 1 of 62…62
        {'a': 1} == {'b': 1} ⇒ false ¢ 1 of 61…61
        duration('60s') == duration('1m') ⇒ true ¢ 1 of 3…3
        timestamp('2020-01-01T00:00:00Z') == timestamp('2020-01-01T02:00:00+02:00') ⇒ true ¢ 1 of 3…3
        type(1) == type(2) ⇒ true ¢ 1 of 3…1844674407370955266
        1 < 2 ⇒ true ¢ 1 of 1…1
        2 <= 2 ⇒ true ¢ 1 of 1…1
        3 > 2 ⇒ true ¢ 1 of 1…1
        2 >= 3 ⇒ false ¢ 1 of 1…1
        1 < 2u ⇒ true ¢ 1 of 1…1
        1u < 2 ⇒ true ¢ 1 of 1…1
        1 < 1.5 ⇒ true ¢ 1 of 1…1
        1.5 > 1u ⇒ true ¢ 1 of 1…1
        1u >= 1.0 ⇒ true ¢ 1 of 1…1
        -1 < 0u ⇒ true ¢ 1 of 1…1
        0u > -1 ⇒ true ¢ 1 of 1…1
        18446744073709551615u > 9223372036854775807 ⇒ true ¢ 1 of 1…1
        1.5 < 2 ⇒ true ¢ 1 of 1…1
        9007199254740993 > 9007199254740992.0 ⇒ false ¢ 1 of 1…1
        dyn(0.0/0.0) < 1 ⇒ ! NaN values cannot be ordered ¢ 3 of 3…3
        'a' < 'b' ⇒ true ¢ 1 of 1…1
        'a' < 'B' ⇒ false ¢ 1 of 1…1
        '' < 'a' ⇒ true ¢ 0 of 0…0
        'é' > 'z' ⇒ true ¢ 1 of 1…1
        b'a' < b'b' ⇒ true ¢ 1 of 1…1
        b'a' >= b'aa' ⇒ false ¢ 1 of 1…1
        false < true ⇒ true ¢ 1 of 1…1
        duration('1s') < duration('2s') ⇒ true ¢ 1 of 3…3
        timestamp('2020-01-01T00:00:00Z') < timestamp('2020-01-01T00:00:01Z') ⇒ true ¢ 1 of 3…3
        [1] < [2] ⇒ ✗ 1:5: found no matching overload for '_<_' applied to '(list(int), list(int))'
        null < null ⇒ ! no such overload: _<_ ¢ 1 of 1…1
        dyn('a') < 1 ⇒ ! no such overload ¢ 1 of 2…2
        true && true ⇒ true ¢ 0 of 0…0
        true && false ⇒ false ¢ 0 of 0…0
        true || false ⇒ true ¢ 0 of 0…0
        false || false ⇒ false ¢ 0 of 0…0
        true || 1/0 == 1 ⇒ true ¢ 0 of 0…2
        1/0 == 1 || true ⇒ true ¢ 2 of 2…2
        false && 1/0 == 1 ⇒ false ¢ 0 of 0…2
        1/0 == 1 && false ⇒ false ¢ 2 of 2…2
        1/0 == 1 && true ⇒ ! division by zero ¢ 2 of 2…2
        true && 1/0 == 1 ⇒ ! division by zero ¢ 2 of 0…2
        1/0 == 1 || false ⇒ ! division by zero ¢ 2 of 2…2
        dyn(1) && true ⇒ ! no such overload ¢ 0 of 1…1
        true && dyn(1) ⇒ ! no such overload ¢ 0 of 0…1
        dyn('a') || true ⇒ true ¢ 0 of 1…1
        1 && true ⇒ ✗ 1:1: expected type 'bool' but found 'int'
        true ? 1 : 2 ⇒ 1 ¢ 0 of 0…0
        false ? 1 : 2 ⇒ 2 ¢ 0 of 0…0
        1 < 2 ? 'a' : 'b' ⇒ "a" ¢ 1 of 1…1
        true ? 1 : 1/0 ⇒ 1 ¢ 0 of 0…1
        false ? 1/0 : 2 ⇒ 2 ¢ 0 of 0…1
        dyn(1) ? 1 : 2 ⇒ ! no such overload ¢ 0 of 1…1
        true ? false ? 1 : 2 : 3 ⇒ ✗ 1:14: Syntax error: mismatched input '?' expecting ':'
        1 in [1, 2] ⇒ true ¢ 0 of 12…12
        3 in [1, 2] ⇒ false ¢ 0 of 12…12
        1 in [] ⇒ false ¢ 0 of 10…10
        'a' in ['a', 'b'] ⇒ true ¢ 0 of 12…12
        dyn(1) in [1.0, 2.0] ⇒ true ¢ 0 of 13…13
        1.0 in [dyn(1), 2] ⇒ ✗ 1:17: expected type 'dyn' but found 'int'
        1u in [1, 2] ⇒ ✗ 1:4: found no matching overload for '@in' applied to '(uint, list(int))'
        dyn(1u) in [1, 2] ⇒ true ¢ 0 of 13…13
        'one' in counts ⇒ true ¢ 2 of 2…2
        'three' in counts ⇒ false ¢ 2 of 2…2
        1 in {1: 'a'} ⇒ true ¢ 1 of 31…31
        dyn(1.0) in {1: 'a'} ⇒ true ¢ 1 of 32…32
        str in strs ⇒ false ¢ 5 of 2…18446744073709551615
        'a' in strs ⇒ true ¢ 4 of 1…18446744073709551615
        num in ints ⇒ false ¢ 5 of 2…18446744073709551615
        num in [5, num] ⇒ true ¢ 14 of 14…14
        'a' in 'abc' ⇒ ✗ 1:5: found no matching overload for '@in' applied to '(string, string)'
        1 in dyn([1]) ⇒ true ¢ 1 of 12…12
        1 in dyn('a') ⇒ ! no such overload ¢ 1 of 2…2
        [1, 2, 3][0] ⇒ 1 ¢ 2 of 11…11
        [1, 2, 3][3] ⇒ ! index out of bounds: 3 ¢ 2 of 11…11
        [1, 2, 3][-1] ⇒ ! index out of bounds: -1 ¢ 2 of 11…11
        [1, 2, 3][1u] ⇒ ✗ 1:10: found no matching overload for '_[_]' applied to '(list(int), uint)'
        [1, 2, 3][dyn(1u)] ⇒ 2 ¢ 2 of 12…12
        [1, 2, 3][dyn(1.0)] ⇒ 2 ¢ 2 of 12…12
        [1, 2, 3][dyn(1.5)] ⇒ ! unsupported index value 1.5 in list ¢ 2 of 12…12
        [1, 2, 3][dyn('a')] ⇒ ! unsupported index type 'string' in list ¢ 2 of 12…12
        {'a': 1}['a'] ⇒ 1 ¢ 2 of 31…31
        {'a': 1}['b'] ⇒ ! no such key: b ¢ 2 of 31…31
        {'a': 1}.a ⇒ 1 ¢ 2 of 31…31
        {'a': 1}.b ⇒ ! no such key: b ¢ 2 of 31…31
        {1: 'x'}[1] ⇒ "x" ¢ 2 of 31…31
        {1: 'x'}[dyn(1.0)] ⇒ "x" ¢ 2 of 32…32
        {1: 'x'}[dyn(1u)] ⇒ "x" ¢ 2 of 32…32
        {'a': 1}[1] ⇒ ✗ 1:9: found no matching overload for '_[_]' applied to '(map(string, int), int)'
        counts.one ⇒ 1 ¢ 2 of 2…2
        counts['two'] ⇒ 2 ¢ 2 of 2…2
        counts.three ⇒ ! no such key: three ¢ 2 of 2…2
        strs[0] ⇒ "b" ¢ 2 of 2…2
        strs[num] ⇒ ! index out of bounds: 5 ¢ 2 of 3…3
        obj.a.b[2].c ⇒ "d" ¢ 5 of 2…2
        obj.a.b[0] + 1 ⇒ 2 ¢ 5 of 3…3
        obj['s'] ⇒ "text" ¢ 2 of 2…2
        obj.missing ⇒ ! no such key: missing ¢ 2 of 1…1
        obj.a.missing.more ⇒ ! no such key: missing ¢ 3 of 1…1
        obj.s.x ⇒ ! no such key: x ¢ 3 of 1…1
        obj.list[0] ⇒ "a" ¢ 3 of 2…2
        obj.list[5] ⇒ ! index out of bounds: 5 ¢ 3 of 2…2
        obj.namespace ⇒ "ns" ¢ 2 of 1…1
        obj['x-y'] ⇒ 3 ¢ 2 of 2…2
        has(obj.s) ⇒ true ¢ 1 of 1…1
        has(obj.z) ⇒ true ¢ 1 of 1…1
        has(obj.missing) ⇒ false ¢ 1 of 1…1
        has(obj.a.b) ⇒ true ¢ 2 of 1…1
        has(obj.a.missing) ⇒ false ¢ 2 of 1…1
        has(obj.missing.b) ⇒ ! no such key: missing ¢ 1 of 1…1
        has(counts.one) ⇒ true ¢ 1 of 1…1
        has(counts.three) ⇒ false ¢ 1 of 1…1
        has({'a': 1}.a) ⇒ true ¢ 1 of 30…30
        has({'a': 1}.b) ⇒ false ¢ 1 of 30…30
        has(dyn(1).a) ⇒ false ¢ 1 of 1…1
        has(dyn('s').a) ⇒ false ¢ 1 of 1…1
        1 + 2 * 3 ⇒ 7 ¢ 2 of 2…2
        (1 + 2) * 3 ⇒ 9 ¢ 2 of 2…2
        10 - 3 - 2 ⇒ 5 ¢ 2 of 2…2
        2 * 3 % 4 ⇒ 2 ¢ 2 of 2…2
        1 + 1 == 2 && 3 > 2 || false ⇒ true ¢ 3 of 2…3
        !false && true ⇒ true ¢ 1 of 1…1
        a && b && c ⇒ ✗ 1:1: undeclared reference to 'a' (in container '') | 1:6: undeclared reference to 'b' (in container '') | 1:11: undeclared reference to 'c' (in container '')
        1 == 1 == true ⇒ true ¢ 2 of 2…2
        1 < 2 == true ⇒ true ¢ 2 of 2…2
        num + 1 ⇒ 6 ¢ 2 of 2…2
        str + ' world' ⇒ "hello world" ¢ 3 of 2…1844674407370955265
        num > 3 && str.size() > 2 ⇒ true ¢ 5 of 2…5
        obj.n * 2.0 ⇒ 3d ¢ 3 of 2…2
        obj.n + 1 ⇒ ! no such overload ¢ 3 of 2…2
        obj.t && true ⇒ true ¢ 2 of 1…1
        dyn([1]).foo ⇒ ! unsupported index type 'string' in list ¢ 2 of 11…11
        dyn(null).foo ⇒ ! no such key: foo ¢ 2 of 1…1
        dyn(duration("1s")).foo ⇒ ! no such key: foo ¢ 2 of 2…2
        dyn("a").?b ⇒ none ¢ 1 of 2…2
        dyn([1])["a"] ⇒ ! unsupported index type 'string' in list ¢ 2 of 12…12
        dyn("abc")[0] ⇒ ! no such key: 0 ¢ 2 of 2…2
        dyn(1)[?0] ⇒ none ¢ 1 of 2…2
        null + 1 ⇒ ✗ 1:6: found no matching overload for '_+_' applied to '(null, int)'
        dyn(null) + 1 ⇒ ! no such overload: _+_ ¢ 1 of 2…2
        dyn({}) + 1 ⇒ ! no such overload: _+_ ¢ 1 of 32…32
        dyn(true) + 1 ⇒ ! no such overload: _+_ ¢ 1 of 2…2
        dyn([1]) < 1 ⇒ ! no such overload: _<_ ¢ 1 of 12…12
        dyn({}) < 1 ⇒ ! no such overload: _<_ ¢ 1 of 32…32
        -dyn("a") ⇒ ! no such overload ¢ 1 of 2…2
        !dyn(1) ⇒ ! no such overload ¢ 1 of 2…2
        dyn(1).size() ⇒ ! no such overload: size ¢ 1 of 2…2
        dyn(1).startsWith("a") ⇒ ! no such overload ¢ 1 of 2…2
        "a".startsWith(dyn(1)) ⇒ ! no such overload ¢ 1 of 2…2
        true ? num + 1 : num ⇒ 6 ¢ 2 of 1…2
        (true ? obj : obj).s ⇒ "text" ¢ 1 of 1…1
        (num > 1 ? obj : obj.a).s ⇒ "text" ¢ 3 of 3…3
        (num > 1 ? obj.a : obj.a).b ⇒ [1, 2, {"c": "d"}] ¢ 4 of 3…3
        obj.a.b[num - 3] ⇒ {"c": "d"} ¢ 6 of 4…4
        obj.a.b[ints[1]] ⇒ 2 ¢ 5 of 4…4
        strs[ints[1] - 1] ⇒ "b" ¢ 5 of 5…5
        counts[strs[0]] ⇒ ! no such key: b ¢ 3 of 4…4
        obj[str] ⇒ ! no such key: hello ¢ 2 of 3…3
        obj[?str] ⇒ none ¢ 1 of 3…3
        strs[?num] ⇒ none ¢ 1 of 3…3
        size(dyn(1)) ⇒ ! no such overload: size ¢ 1 of 2…2
        dyn(1).getHours() ⇒ ! no such overload: getHours(int) ¢ 1 of 2…2
        duration(num) ⇒ ! type conversion error from 'int' to 'google.protobuf.Duration' ¢ 2 of 2…2
        [].map(x, 1.5).sum() ⇒ 0d ¢ 1 of 21…21
        """##
}
