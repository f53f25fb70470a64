/// What literals, names and syntax come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let literals = ##"""
        null ⇒ null ¢ 0 of 0…0
        true ⇒ true ¢ 0 of 0…0
        false ⇒ false ¢ 0 of 0…0
        42 ⇒ 42 ¢ 0 of 0…0
        -42 ⇒ -42 ¢ 0 of 0…0
        0x2A ⇒ 42 ¢ 0 of 0…0
        -0x2a ⇒ -42 ¢ 0 of 0…0
        9223372036854775807 ⇒ 9223372036854775807 ¢ 0 of 0…0
        -9223372036854775808 ⇒ -9223372036854775808 ¢ 0 of 0…0
        9223372036854775808 ⇒ ✗ 1:1: invalid int literal
        42u ⇒ 42u ¢ 0 of 0…0
        0x2Au ⇒ 42u ¢ 0 of 0…0
        18446744073709551615u ⇒ 18446744073709551615u ¢ 0 of 0…0
        18446744073709551616u ⇒ ✗ 1:1: invalid uint literal
        -1u ⇒ ✗ 1:1: found no matching overload for '-_' applied to '(uint)'
        1.5 ⇒ 1.5d ¢ 0 of 0…0
        -1.5 ⇒ -1.5d ¢ 0 of 0…0
        .5 ⇒ 0.5d ¢ 0 of 0…0
        1e3 ⇒ 1000d ¢ 0 of 0…0
        1.5e-3 ⇒ 0.0015d ¢ 0 of 0…0
        1e400 ⇒ ✗ 1:1: invalid double literal
        'single' ⇒ "single" ¢ 0 of 0…0
        "double" ⇒ "double" ¢ 0 of 0…0
        '''triple 'quoted' text''' ⇒ "triple 'quoted' text" ¢ 0 of 0…0
        """triple "quoted" text""" ⇒ "triple \"quoted\" text" ¢ 0 of 0…0
        r'raw \n' ⇒ "raw \\n" ¢ 0 of 0…0
        R"raw \d" ⇒ "raw \\d" ¢ 0 of 0…0
        '\a\b\f\n\r\t\v\\\'\"\`\?' ⇒ "\a\b\f\n\r\t\v\\'\"`?" ¢ 0 of 0…0
        '\x41\u0042\U00000043\101' ⇒ "ABCA" ¢ 0 of 0…0
        '\u00e9' ⇒ "é" ¢ 0 of 0…0
        '\ud800' ⇒ ✗ 1:1: invalid unicode code point
        '\q' ⇒ ✗ 1:1: Syntax error: token recognition error at: ''\q' | 1:4: Syntax error: token recognition error at: ''' | 1:5: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        'unterminated ⇒ ✗ 1:1: Syntax error: token recognition error at: ''unterminated' | 1:14: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        "\x4" ⇒ ✗ 1:1: Syntax error: token recognition error at: '"\x4"' | 1:6: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        b'bytes' ⇒ b6279746573 ¢ 0 of 0…0
        b'\xff\u0041' ⇒ ✗ 1:1: unable to unescape string
        b'\xff\377' ⇒ bffff ¢ 0 of 0…0
        b"\101" ⇒ b41 ¢ 0 of 0…0
        br'raw \x' ⇒ b726177205c78 ¢ 0 of 0…0
        rb'raw' ⇒ ✗ 1:3: Syntax error: extraneous input ''raw'' expecting <EOF>
        B"x" ⇒ b78 ¢ 0 of 0…0
        b'é' ⇒ bc3a9 ¢ 0 of 0…0
        'é' ⇒ "é" ¢ 0 of 0…0
        [] ⇒ [] ¢ 0 of 10…10
        [1, 2, 3] ⇒ [1, 2, 3] ¢ 0 of 10…10
        [1, 2, 3,] ⇒ [1, 2, 3] ¢ 0 of 10…10
        [1, 'a'] ⇒ ✗ 1:5: expected type 'int' but found 'string'
        [1, 2u] ⇒ ✗ 1:5: expected type 'int' but found 'uint'
        [[1], [2, 3]] ⇒ [[1], [2, 3]] ¢ 0 of 30…30
        [[], [1]] ⇒ [[], [1]] ¢ 0 of 30…30
        {} ⇒ {} ¢ 0 of 30…30
        {'a': 1, 'b': 2} ⇒ {"a": 1, "b": 2} ¢ 0 of 30…30
        {'a': 1,} ⇒ {"a": 1} ¢ 0 of 30…30
        {1: 'a', 2u: 'b'} ⇒ ✗ 1:10: expected type 'int' but found 'uint'
        {1: 'a', 'b': 'c'} ⇒ ✗ 1:10: expected type 'int' but found 'string'
        {'a': 1, 'a': 2} ⇒ {"a": 2} ¢ 0 of 30…30
        {true: 1, false: 0} ⇒ {false: 0, true: 1} ¢ 0 of 30…30
        {1.5: 1} ⇒ {1.5d: 1} ¢ 0 of 30…30
        {'a': {'b': [1]}} ⇒ {"a": {"b": [1]}} ¢ 0 of 70…70
        // comment only ⇒ ✗ 1:16: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        1 // trailing ⇒ 1 ¢ 0 of 0…0
        (1) ⇒ 1 ¢ 0 of 0…0
        ((1 + 2)) * 3 ⇒ 9 ¢ 2 of 2…2
        type(1) ⇒ type(int) ¢ 0 of 1…1
        type(1u) ⇒ type(uint) ¢ 0 of 1…1
        type(1.0) ⇒ type(double) ¢ 0 of 1…1
        type('') ⇒ type(string) ¢ 0 of 1…1
        type(b'') ⇒ type(bytes) ¢ 0 of 1…1
        type(null) ⇒ type(null_type) ¢ 0 of 1…1
        type(true) ⇒ type(bool) ¢ 0 of 1…1
        type([]) ⇒ type(list) ¢ 0 of 11…11
        type({}) ⇒ type(map) ¢ 0 of 31…31
        type(type(1)) ⇒ type(type) ¢ 0 of 2…2
        type(duration('1s')) ⇒ type(google.protobuf.Duration) ¢ 0 of 2…2
        type(timestamp('2020-01-01T00:00:00Z')) ⇒ type(google.protobuf.Timestamp) ¢ 0 of 2…2
        type(optional.none()) ⇒ type(optional_type) ¢ 2 of 2…2
        type(url('https://a.b')) ⇒ type(kubernetes.URL) ¢ 3 of 3…3
        type(ip('1.2.3.4')) ⇒ type(net.IP) ¢ 2 of 2…2
        type(1) == int ⇒ true ¢ 1 of 3…1844674407370955266
        type('a') == string && type(1.0) == double && type([1]) == list && type({}) == map ⇒ true ¢ 4 of 3…7378697629483821104
        type(null) == null_type ⇒ true ¢ 1 of 3…1844674407370955266
        type(ip('1.1.1.1')) == net.IP ⇒ true ¢ 3 of 4…1844674407370955267
        int ⇒ type(int) ¢ 0 of 1…1
        list ⇒ type(list) ¢ 0 of 1…1
        google.protobuf.Timestamp ⇒ type(google.protobuf.Timestamp) ¢ 0 of 1…1
        1 +  ⇒ ✗ 1:5: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        1 + ⇒ ✗ 1:4: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        * 1 ⇒ ✗ 1:1: Syntax error: extraneous input '*' expecting PRIMARY
        a b ⇒ ✗ 1:3: Syntax error: extraneous input 'b' expecting <EOF>
        1 2 ⇒ ✗ 1:3: Syntax error: extraneous input '2' expecting <EOF>
        1 2 3 ⇒ ✗ 1:3: Syntax error: mismatched input '2' expecting <EOF>
        (1 ⇒ ✗ 1:3: Syntax error: missing ')' at '<EOF>'
        [1 ⇒ ✗ 1:3: Syntax error: mismatched input '<EOF>' expecting {']', ','}
        [1,  ⇒ ✗ 1:5: Syntax error: missing ']' at '<EOF>'
        {1 ⇒ ✗ 1:3: Syntax error: mismatched input '<EOF>' expecting ':'
        {1:  ⇒ ✗ 1:5: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        {1: 2 ⇒ ✗ 1:6: Syntax error: mismatched input '<EOF>' expecting {'}', ','}
        { ⇒ ✗ 1:2: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        f( ⇒ ✗ 1:3: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        f(1, ⇒ ✗ 1:5: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        f(1 2) ⇒ ✗ 1:5: Syntax error: extraneous input '2' expecting ')'
        x. ⇒ ✗ 1:3: Syntax error: no viable alternative at input '.'
        x.1 ⇒ ✗ 1:2: Syntax error: extraneous input '.1' expecting <EOF>
        x.true ⇒ ✗ 1:3: Syntax error: mismatched input 'true' expecting IDENTIFIER
        obj.true ⇒ ✗ 1:5: Syntax error: mismatched input 'true' expecting IDENTIFIER
        x[ ⇒ ✗ 1:3: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        x[1 ⇒ ✗ 1:4: Syntax error: missing ']' at '<EOF>'
        'a' 'b' ⇒ ✗ 1:5: Syntax error: extraneous input ''b'' expecting <EOF>
        # ⇒ ✗ 1:1: Syntax error: token recognition error at: '#' | 1:2: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        1 # 2 ⇒ ✗ 1:3: Syntax error: token recognition error at: '#' | 1:5: Syntax error: extraneous input '2' expecting <EOF>
        1 & 2 ⇒ ✗ 1:3: Syntax error: token recognition error at: '& ' | 1:5: Syntax error: extraneous input '2' expecting <EOF>
        1 | 2 ⇒ ✗ 1:3: Syntax error: token recognition error at: '| ' | 1:5: Syntax error: extraneous input '2' expecting <EOF>
        a = b ⇒ ✗ 1:3: Syntax error: token recognition error at: '= ' | 1:5: Syntax error: extraneous input 'b' expecting <EOF>
        1 ? 2 ⇒ ✗ 1:6: Syntax error: mismatched input '<EOF>' expecting ':'
        1 ? 2 :  ⇒ ✗ 1:9: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        true ? 1 : 'a' ⇒ ✗ 1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'
        as ⇒ ✗ 1:1: reserved identifier: as
        for ⇒ ✗ 1:1: reserved identifier: for
        1 + if ⇒ ✗ 1:5: reserved identifier: if
        package.name ⇒ ✗ 1:1: reserved identifier: package
        obj.package ⇒ ! no such key: package ¢ 2 of 1…1
        1 in ⇒ ✗ 1:5: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        `a` ⇒ ✗ 1:1: Syntax error: mismatched input '`a`' expecting PRIMARY
        obj.`x-y` ⇒ ✗ 1:5: unsupported syntax: '`'
        "a\ ⇒ ✗ 1:1: Syntax error: token recognition error at: '"a\' | 1:4: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        '' ⇒ "" ¢ 0 of 0…0
        '''''' ⇒ "" ¢ 0 of 0…0
        () ⇒ ✗ 1:2: Syntax error: mismatched input ')' expecting PRIMARY
        --1 ⇒ 1 ¢ 0 of 0…0
        !!true ⇒ true ¢ 0 of 0…0
        - 1 ⇒ -1 ¢ 0 of 0…0
        -'a' ⇒ ✗ 1:1: found no matching overload for '-_' applied to '(string)'
        !1 ⇒ ✗ 1:1: found no matching overload for '!_' applied to '(int)'
        1.method() ⇒ ✗ 1:9: undeclared reference to 'method' (in container '')
        .obj.s ⇒ "text" ¢ 2 of 1…1
        .5.foo ⇒ ✗ 1:3: type 'double' does not support field selection
        obj . s ⇒ "text" ¢ 2 of 1…1
        unknown ⇒ ✗ 1:1: undeclared reference to 'unknown' (in container '')
        unknown.field ⇒ ✗ 1:1: undeclared reference to 'unknown' (in container '')
        unknown(1) ⇒ ✗ 1:8: undeclared reference to 'unknown' (in container '')
        obj.unknown(1) ⇒ ✗ 1:12: undeclared reference to 'unknown' (in container '')
        a.b.c(1) ⇒ ✗ 1:1: undeclared reference to 'a' (in container '') | 1:6: undeclared reference to 'c' (in container '')
        has(obj) ⇒ ✗ 1:5: invalid argument to has() macro
        has(obj.s.t) ⇒ false ¢ 2 of 1…1
        Foo{a: 1} ⇒ ✗ 1:4: undeclared reference to 'Foo' (in container '')
        int{a: 1} ⇒ ✗ 1:4: 'int' is not a message type | 1:6: unexpected failed resolution of 'int'
        [?1] ⇒ ✗ 1:3: expected type 'optional_type(int)' but found 'int'
        {?'a': 1} ⇒ ✗ 1:8: expected type 'optional_type(int)' but found 'int'
        [1 2] ⇒ ✗ 1:4: Syntax error: extraneous input '2' expecting {']', ','}
        [1, 2 3] ⇒ ✗ 1:7: Syntax error: extraneous input '3' expecting {']', ','}
        {1 2} ⇒ ✗ 1:4: Syntax error: missing ':' at '2'
        {1: 2 3: 4} ⇒ ✗ 1:7: Syntax error: mismatched input '3' expecting {'}', ','}
        {1: 2, ⇒ ✗ 1:7: Syntax error: missing '}' at '<EOF>'
        [ ⇒ ✗ 1:2: Syntax error: mismatched input '<EOF>' expecting {'[', ']', '{', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        ((1 ⇒ ✗ 1:4: Syntax error: mismatched input '<EOF>' expecting ')'
        (1 2) ⇒ ✗ 1:4: Syntax error: extraneous input '2' expecting ')'
        (1 2 ⇒ ✗ 1:4: Syntax error: mismatched input '2' expecting ')'
        f(1,  ⇒ ✗ 1:6: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        obj[1 2] ⇒ ✗ 1:7: Syntax error: extraneous input '2' expecting ']'
        f( ⇒ ✗ 1:3: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        x.y( ⇒ ✗ 1:5: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        Foo{ ⇒ ✗ 1:5: Syntax error: mismatched input '<EOF>' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}
        Foo{a ⇒ ✗ 1:6: Syntax error: mismatched input '<EOF>' expecting ':'
        Foo{a: ⇒ ✗ 1:7: Syntax error: mismatched input '<EOF>' expecting PRIMARY
        Foo{a: 1 ⇒ ✗ 1:9: Syntax error: mismatched input '<EOF>' expecting {'}', ','}
        1 ? 2 3 ⇒ ✗ 1:7: Syntax error: missing ':' at '3'
        true ? 1 ⇒ ✗ 1:9: Syntax error: mismatched input '<EOF>' expecting ':'
        f(,) ⇒ ✗ 1:3: Syntax error: extraneous input ',' expecting {'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        [,] ⇒ [] ¢ 0 of 10…10
        {,} ⇒ {} ¢ 0 of 30…30
        1 +* 2 ⇒ ✗ 1:4: Syntax error: extraneous input '*' expecting PRIMARY
        a..b ⇒ ✗ 1:3: Syntax error: no viable alternative at input '..'
        a.b. ⇒ ✗ 1:5: Syntax error: no viable alternative at input '.'
        @foo ⇒ ✗ 1:1: Syntax error: token recognition error at: '@'
        a; b ⇒ ✗ 1:2: Syntax error: token recognition error at: ';' | 1:4: Syntax error: extraneous input 'b' expecting <EOF>
        1 = 1 ⇒ ✗ 1:3: Syntax error: token recognition error at: '= ' | 1:5: Syntax error: extraneous input '1' expecting <EOF>
        a ? b : c : d ⇒ ✗ 1:11: Syntax error: mismatched input ':' expecting <EOF>
        """##
}
