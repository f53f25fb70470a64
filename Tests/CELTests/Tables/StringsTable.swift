/// What functions of texts come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let strings = ##"""
        'hello'.size() ⇒ 5 ¢ 1 of 1…1
        size('héllo') ⇒ 5 ¢ 1 of 1…1
        size('') ⇒ 0 ¢ 1 of 1…1
        size('日本語') ⇒ 3 ¢ 1 of 1…1
        size('👍🏽') ⇒ 2 ¢ 1 of 1…1
        size(b'héllo') ⇒ 6 ¢ 1 of 1…1
        'hello'.contains('ell') ⇒ true ¢ 1 of 1…1
        'hello'.contains('') ⇒ true ¢ 0 of 0…0
        'hello'.contains('x') ⇒ false ¢ 1 of 1…1
        'hello'.startsWith('he') ⇒ true ¢ 1 of 1…1
        'hello'.startsWith('') ⇒ true ¢ 1 of 0…0
        'hello'.startsWith('lo') ⇒ false ¢ 1 of 1…1
        'hello'.endsWith('lo') ⇒ true ¢ 1 of 1…1
        'hello'.endsWith('') ⇒ true ¢ 1 of 0…0
        'hello'.endsWith('he') ⇒ false ¢ 1 of 1…1
        'hello'.charAt(0) ⇒ "h" ¢ 1 of 1…1
        'hello'.charAt(4) ⇒ "o" ¢ 1 of 1…1
        'hello'.charAt(5) ⇒ "" ¢ 1 of 1…1
        'hello'.charAt(6) ⇒ ! index out of range: 6 ¢ 1 of 1…1
        'hello'.charAt(-1) ⇒ ! index out of range: -1 ¢ 1 of 1…1
        'héllo'.charAt(1) ⇒ "é" ¢ 1 of 1…1
        'hello mellow'.indexOf('ello') ⇒ 1 ¢ 1 of 2…2
        'hello mellow'.indexOf('jello') ⇒ -1 ¢ 1 of 2…2
        'hello mellow'.indexOf('') ⇒ 0 ¢ 1 of 2…2
        'hello mellow'.indexOf('ello', 2) ⇒ 7 ¢ 1 of 2…2
        'hello mellow'.indexOf('ello', 20) ⇒ -1 ¢ 1 of 2…2
        'hello mellow'.indexOf('ello', -1) ⇒ ! index out of range: -1 ¢ 1 of 2…2
        'hello mellow'.indexOf('', 5) ⇒ 5 ¢ 1 of 2…2
        'héllo'.indexOf('l') ⇒ 2 ¢ 0 of 1…1
        'hello mellow'.lastIndexOf('ello') ⇒ 7 ¢ 1 of 2…2
        'hello mellow'.lastIndexOf('jello') ⇒ -1 ¢ 1 of 2…2
        'hello mellow'.lastIndexOf('') ⇒ 12 ¢ 1 of 2…2
        'hello mellow'.lastIndexOf('ello', 6) ⇒ 1 ¢ 1 of 2…2
        'hello mellow'.lastIndexOf('ello', 20) ⇒ -1 ¢ 1 of 2…2
        'hello mellow'.lastIndexOf('ello', -1) ⇒ ! index out of range: -1 ¢ 1 of 2…2
        'a'.lastIndexOf('abc') ⇒ -1 ¢ 0 of 1…1
        'TacoCat'.lowerAscii() ⇒ "tacocat" ¢ 1 of 1…1
        'TacoCÆt Xii'.lowerAscii() ⇒ "tacocÆt xii" ¢ 2 of 2…2
        'TacoCat'.upperAscii() ⇒ "TACOCAT" ¢ 1 of 1…1
        'TacoCæt'.upperAscii() ⇒ "TACOCæT" ¢ 1 of 1…1
        'hello hello'.replace('he', 'we') ⇒ "wello wello" ¢ 3 of 3…3
        'hello hello'.replace('he', 'we', -1) ⇒ "wello wello" ¢ 3 of 3…3
        'hello hello'.replace('he', 'we', 1) ⇒ "wello hello" ¢ 3 of 3…3
        'hello hello'.replace('he', 'we', 0) ⇒ "hello hello" ¢ 3 of 3…3
        'hello hello'.replace('', '_') ⇒ "_h_e_l_l_o_ _h_e_l_l_o_" ¢ 3 of 3…3
        'hello'.replace('', '_', 2) ⇒ "_h_ello" ¢ 1 of 1…1
        'hello'.replace('l', '') ⇒ "heo" ¢ 1 of 1…1
        'hello hello hello'.split(' ') ⇒ ["hello", "hello", "hello"] ¢ 4 of 4…4
        'hello hello hello'.split(' ', 0) ⇒ [] ¢ 4 of 4…4
        'hello hello hello'.split(' ', 1) ⇒ ["hello hello hello"] ¢ 4 of 4…4
        'hello hello hello'.split(' ', 2) ⇒ ["hello", "hello hello"] ¢ 4 of 4…4
        'hello hello hello'.split(' ', -1) ⇒ ["hello", "hello", "hello"] ¢ 4 of 4…4
        'hello'.split('') ⇒ ["h", "e", "l", "l", "o"] ¢ 1 of 1…1
        'hello'.split('', 2) ⇒ ["h", "ello"] ¢ 1 of 1…1
        ''.split(',') ⇒ [""] ¢ 0 of 0…0
        ''.split('') ⇒ [] ¢ 0 of 0…0
        'a,b,'.split(',') ⇒ ["a", "b", ""] ¢ 1 of 1…1
        'tacocat'.substring(4) ⇒ "cat" ¢ 1 of 1…1
        'tacocat'.substring(0, 4) ⇒ "taco" ¢ 1 of 1…1
        'tacocat'.substring(7) ⇒ "" ¢ 1 of 1…1
        'tacocat'.substring(8) ⇒ ! index out of range: 8 ¢ 1 of 1…1
        'tacocat'.substring(-1) ⇒ ! index out of range: -1 ¢ 1 of 1…1
        'tacocat'.substring(4, 3) ⇒ ! invalid substring range. start: 4, end: 3 ¢ 1 of 1…1
        'tacocat'.substring(2, 9) ⇒ ! index out of range: 9 ¢ 1 of 1…1
        'tacocat'.substring(-1, 3) ⇒ ! index out of range: -1 ¢ 1 of 1…1
        '日本語'.substring(1, 2) ⇒ "本" ¢ 1 of 1…1
        '  \ttrim\n    '.trim() ⇒ "trim" ¢ 2 of 2…2
        '\u00a0x\u2003'.trim() ⇒ "x" ¢ 1 of 1…1
        'x'.trim() ⇒ "x" ¢ 1 of 1…1
        strings.quote('a"b\\c\n\t') ⇒ "\"a\\\"b\\\\c\\n\\t\"" ¢ 1 of 1…1
        strings.quote('é') ⇒ "\"é\"" ¢ 1 of 1…1
        ['hello', 'world'].join() ⇒ "helloworld" ¢ 2 of 10…1844674407370955274
        ['hello', 'world'].join('-') ⇒ "hello-world" ¢ 3 of 11…1844674407370955274
        [].join('-') ⇒ "" ¢ 0 of 10…10
        ['x'].join('-') ⇒ "x" ¢ 1 of 10…1844674407370955274
        strs.join(', ') ⇒ "b, a, c" ¢ 3 of 1…1844674407370955265
        [1, 2].join() ⇒ ✗ 1:12: found no matching overload for 'join' applied to 'list(int).()'
        'gums'.reverse() ⇒ ✗ 1:15: found no matching overload for 'reverse' applied to 'string.()'
        [1, 2, 3].reverse() ⇒ [3, 2, 1] ¢ 14 of 24…24
        '%s'.format(['a']) ⇒ "a" ¢ 1 of 11…11
        '%s'.format([1]) ⇒ "1" ¢ 1 of 11…11
        '%s %s'.format(['a', true]) ⇒ "a true" ¢ 1 of 11…11
        '%s'.format([1.5]) ⇒ "1.5" ¢ 1 of 11…11
        '%s'.format([1e10]) ⇒ "1e+10" ¢ 1 of 11…11
        '%s'.format([null]) ⇒ "null" ¢ 1 of 11…11
        '%s'.format([b'abc']) ⇒ "abc" ¢ 1 of 11…11
        '%s'.format([duration('1h')]) ⇒ "3600s" ¢ 1 of 12…12
        '%s'.format([timestamp('2023-02-03T23:31:20.5+00:00')]) ⇒ "2023-02-03T23:31:20.5Z" ¢ 1 of 12…12
        '%s'.format([['a', 1, 2.5, null, true]]) ⇒ "[\"a\", 1, 2.500000, null, true]" ¢ 1 of 21…21
        '%s'.format([{'key': [1, 2], 'b': 'x'}]) ⇒ "{\"b\":\"x\", \"key\":[1, 2]}" ¢ 1 of 51…51
        '%s'.format([{1: 'a', 2: 'b'}]) ⇒ "{1:\"a\", 2:\"b\"}" ¢ 1 of 41…41
        '%s'.format([type(1)]) ⇒ "int" ¢ 1 of 12…12
        '%s'.format([[type(1), duration('1s'), timestamp('2020-01-01T00:00:00Z'), b'a']]) ⇒ "[int, duration(\"1s\"), timestamp(\"2020-01-01T00:00:00Z\"), b\"a\"]" ¢ 1 of 24…24
        '%d'.format([42]) ⇒ "42" ¢ 1 of 11…11
        '%d'.format([42u]) ⇒ "42" ¢ 1 of 11…11
        '%d'.format([1.5]) ⇒ ✗ 1:14: error during formatting: decimal clause can only be used on integers, was given double
        '%d'.format([dyn(1.5)]) ⇒ ! error during formatting: decimal clause can only be used on integers, was given double ¢ 1 of 12…12
        '%f'.format([1.5]) ⇒ "1.500000" ¢ 1 of 11…11
        '%.2f'.format([3.14159]) ⇒ "3.14" ¢ 1 of 11…11
        '%.0f'.format([2.5]) ⇒ "2" ¢ 1 of 11…11
        '%.1f'.format([0.25]) ⇒ "0.2" ¢ 1 of 11…11
        '%.3f'.format([1234567.8915]) ⇒ "1,234,567.891" ¢ 1 of 11…11
        '%.2f'.format([-1234.5]) ⇒ "-1,234.50" ¢ 1 of 11…11
        '%f'.format([1e15]) ⇒ "1,000,000,000,000,000.000000" ¢ 1 of 11…11
        '%.20f'.format([0.1]) ⇒ "0.10000000000000000555" ¢ 1 of 11…11
        '%f'.format(['NaN']) ⇒ "NaN" ¢ 1 of 11…11
        '%f'.format(['Infinity']) ⇒ "∞" ¢ 1 of 11…11
        '%f'.format(['abc']) ⇒ ! error during formatting: fixed-point clause can only be used on doubles, was given string ¢ 1 of 11…11
        '%f'.format([1]) ⇒ ✗ 1:14: error during formatting: fixed-point clause can only be used on doubles, was given int
        '%e'.format([1052.032911275]) ⇒ "1.052033×10⁰³" ¢ 1 of 11…11
        '%.6e'.format([1052.032911275]) ⇒ "1.052033×10⁰³" ¢ 1 of 11…11
        '%.0e'.format([25.0]) ⇒ "2.500000×10⁰¹" ¢ 1 of 11…11
        '%.3e'.format([2.71828]) ⇒ "2.718280×10⁰⁰" ¢ 1 of 11…11
        '%.2e'.format([0.0]) ⇒ "0.000000×10⁰⁰" ¢ 1 of 11…11
        '%.2e'.format([9.999]) ⇒ "9.999000×10⁰⁰" ¢ 1 of 11…11
        '%.1e'.format([-0.00015]) ⇒ "-1.500000×10⁻⁰⁴" ¢ 1 of 11…11
        '%e'.format(['NaN']) ⇒ "   NaN" ¢ 1 of 11…11
        '%b'.format([5]) ⇒ "101" ¢ 1 of 11…11
        '%b'.format([-5]) ⇒ "-101" ¢ 1 of 11…11
        '%b'.format([5u]) ⇒ "101" ¢ 1 of 11…11
        '%b'.format([true]) ⇒ "1" ¢ 1 of 11…11
        '%b'.format(['a']) ⇒ ✗ 1:14: error during formatting: only integers and bools can be formatted as binary, was given string
        '%x'.format([30]) ⇒ "1e" ¢ 1 of 11…11
        '%X'.format([30]) ⇒ "1E" ¢ 1 of 11…11
        '%x'.format([-30]) ⇒ "-1e" ¢ 1 of 11…11
        '%x'.format(['Hello']) ⇒ "48656c6c6f" ¢ 1 of 11…11
        '%X'.format([b'Hello']) ⇒ "48656C6C6F" ¢ 1 of 11…11
        '%x'.format([30u]) ⇒ "1e" ¢ 1 of 11…11
        '%x'.format([1.5]) ⇒ ✗ 1:14: error during formatting: only integers, byte buffers, and strings can be formatted as hex, was given double
        '%o'.format([11]) ⇒ "13" ¢ 1 of 11…11
        '%o'.format([11u]) ⇒ "13" ¢ 1 of 11…11
        '%o'.format(['a']) ⇒ ✗ 1:14: error during formatting: octal clause can only be used on integers, was given string
        '%%'.format([]) ⇒ "%" ¢ 1 of 11…11
        '%d%%'.format([50]) ⇒ "50%" ¢ 1 of 11…11
        '%s %s'.format(['a']) ⇒ ✗ 1:15: index 1 out of range
        '%s'.format(['a', 'b']) ⇒ ✗ 1:12: too many arguments supplied to string.format (expected 1, got 2)
        '%q'.format(['a']) ⇒ ✗ 1:12: could not parse formatting clause: unrecognized formatting clause "q"
        '%'.format([1]) ⇒ ✗ 1:11: unexpected end of string
        '%.'.format([1.0]) ⇒ ✗ 1:12: could not parse formatting clause: error while parsing precision: could not find end of precision specifier
        '%.5'.format([1.0]) ⇒ ✗ 1:13: could not parse formatting clause: error while parsing precision: could not find end of precision specifier
        '%.af'.format([1.0]) ⇒ ✗ 1:14: could not parse formatting clause: error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax
        '%s'.format([obj]) ⇒ "{\"a\":{\"b\":[1, 2, {\"c\":\"d\"}]}, \"list\":[\"a\", \"b\"], \"n\":1.500000, \"namespace\":\"ns\", \"s\":\"text\", \"t\":true, \"x-y\":3, \"z\":null}" ¢ 12 of 12…12
        '%s'.format([optional.none()]) ⇒ ✗ 1:27: error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given optional_type
        '%s'.format([ip('1.1.1.1')]) ⇒ ✗ 1:16: error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given net.IP
        str.format([1]) ⇒ "hello" ¢ 2 of 11…1844674407370955275
        dyn('%s').format(['x']) ⇒ "x" ¢ 1 of 12…12
        '%s'.format([[optional.none()]]) ⇒ ✗ 1:28: error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given optional_type
        'hello'.matches('h.*o') ⇒ true ¢ 1 of 1…1
        'hello'.matches('^ell') ⇒ false ¢ 1 of 1…1
        'hello'.matches('ell') ⇒ true ¢ 1 of 1…1
        'hello'.matches('') ⇒ true ¢ 0 of 0…0
        matches('hello', 'l+') ⇒ true ¢ 1 of 1…1
        'a\nb'.matches('a.b') ⇒ false ¢ 1 of 1…1
        'a\nb'.matches('(?s)a.b') ⇒ true ¢ 2 of 2…2
        'ABC'.matches('(?i)abc') ⇒ true ¢ 2 of 2…2
        'abc'.matches('[') ⇒ ✗ 1:15: invalid matches argument
        str.matches('(') ⇒ ✗ 1:13: invalid matches argument
        str.matches(str) ⇒ true ¢ 4 of 2…18446744073709551615
        dyn('a').matches('*') ⇒ ✗ 1:18: invalid matches argument
        'abc 123'.find('[0-9]+') ⇒ "123" ¢ 2 of 2…2
        'abc 123'.find('xyz') ⇒ "" ¢ 1 of 1…1
        '123 abc 456'.findAll('[0-9]*') ⇒ ["123", "", "", "", "", "456"] ¢ 4 of 4…4
        '123 abc 456'.findAll('[0-9]+') ⇒ ["123", "456"] ¢ 4 of 4…4
        '123 abc 456'.findAll('[0-9]+', 1) ⇒ ["123"] ¢ 4 of 4…4
        '123 abc 456'.findAll('[0-9]+', 0) ⇒ [] ¢ 4 of 4…4
        '123 abc 456'.findAll('[0-9]+', -1) ⇒ ["123", "456"] ¢ 4 of 4…4
        'aaa'.findAll('a*?') ⇒ ["", "", "", ""] ¢ 1 of 1…1
        'abc'.findAll('') ⇒ ["", "", "", ""] ¢ 0 of 0…0
        '日本語'.findAll('.') ⇒ ["日", "本", "語"] ¢ 1 of 1…1
        'abc'.find('(') ⇒ ✗ error parsing regexp: missing closing ): `(`
        str.find('(' + ')') ⇒ "" ¢ 3 of 3…1844674407370955266
        dyn(str).find('(' + '') ⇒ ! Illegal regex: error parsing regexp: missing closing ): `(` ¢ 4 of 4…1844674407370955267
        """##
}
