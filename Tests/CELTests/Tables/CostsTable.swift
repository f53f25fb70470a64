/// What costs come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let costs = ##"""
        str.size() > 2 ⇒ true ¢ 3 of 3…3
        str == 'hello world' ⇒ false ¢ 2 of 2…3
        str.startsWith('he') ⇒ true ¢ 2 of 2…2
        str.contains('el') ⇒ true ¢ 2 of 1…1844674407370955265
        str.matches('^[a-z]+$') ⇒ true ¢ 3 of 3…3689348814741910529
        str.matches(str) ⇒ true ¢ 4 of 2…18446744073709551615
        str + str ⇒ "hellohello" ¢ 3 of 2…1844674407370955266
        str.upperAscii() == 'HELLO' ⇒ true ¢ 3 of 2…1844674407370955266
        str.replace('l', 'LL') ⇒ "heLLLLo" ¢ 2 of 1…3689348814741910529
        str.split('l') ⇒ ["he", "", "o"] ¢ 2 of 1…3689348814741910529
        str.split('l', 2).size() ⇒ 2 ¢ 3 of 2…3689348814741910530
        strs.join(',') == 'b,a,c' ⇒ true ¢ 3 of 2…1844674407370955266
        strs.all(s, s.startsWith('a')) ⇒ false ¢ 9 of 2…18446744073709551615
        strs.exists(s, s.contains('a')) ⇒ true ¢ 17 of 2…18446744073709551615
        strs.map(s, s + '!').size() ⇒ 3 ¢ 45 of 13…18446744073709551615
        strs.filter(s, s != 'a').size() > 1 ⇒ true ¢ 36 of 14…18446744073709551615
        strs.all(a, strs.all(b, a != b + 'x')) ⇒ true ¢ 80 of 2…18446744073709551615
        ints.all(i, i > 0) && ints.sum() < 10 ⇒ true ¢ 22 of 2…18446744073709551615
        ints.exists_one(i, i == 1) ⇒ true ¢ 11 of 3…18446744073709551615
        counts.all(k, k.size() < 10 && counts[k] < 10) ⇒ true ¢ 20 of 2…18446744073709551615
        'a' in strs ⇒ true ¢ 4 of 1…18446744073709551615
        num in ints ⇒ false ¢ 5 of 2…18446744073709551615
        5 in [num, 6] ⇒ true ¢ 13 of 13…13
        strs == ['a', 'b'] ⇒ false ¢ 2 of 12…12
        strs.isSorted() ⇒ false ¢ 1 of 1…18446744073709551615
        strs.max() ⇒ "c" ¢ 1 of 1…18446744073709551615
        strs.sort() ⇒ ["a", "b", "c"] ¢ 30 of 12…18446744073709551615
        strs.distinct() ⇒ ["b", "a", "c"] ¢ 30 of 12…18446744073709551615
        strs.reverse() ⇒ ["c", "a", "b"] ¢ 15 of 12…18446744073709551615
        strs.slice(0, 2) ⇒ ["b", "a"] ¢ 14 of 14…14
        ints.sort() ⇒ [1, 2, 3] ¢ 30 of 12…18446744073709551615
        sets.contains(strs, ['a', 'b']) ⇒ true ¢ 8 of 12…18446744073709551615
        sets.equivalent(strs, strs) ⇒ true ¢ 21 of 3…18446744073709551615
        [strs, strs].flatten() ⇒ ["b", "a", "c", "b", "a", "c"] ¢ 25 of 25…25
        lists.range(3).map(i, i * i) ⇒ [0, 1, 4] ¢ 60 of 70…70
        str.find('[a-z]+') ⇒ "hello" ¢ 3 of 3…3689348814741910529
        str.findAll('[a-z]') ⇒ ["h", "e", "l", "l", "o"] ¢ 3 of 3…3689348814741910529
        url('https://' + str).getHost() ⇒ "hello" ¢ 6 of 4…3689348814741910530
        ip('1.2.3.4').family() == 4 ⇒ true ¢ 3 of 3…3
        isIP(str) ⇒ false ¢ 2 of 1…1844674407370955265
        cidr('10.0.0.0/8').containsIP(str) ⇒ ! no such overload ¢ 4 of 3…1844674407370955270
        cidr('10.0.0.0/8').containsIP('10.1.1.1') ⇒ true ¢ 3 of 3…6
        cidr('10.0.0.0/8').containsCIDR('10.1.1.0/24') ⇒ true ¢ 6 of 6…10
        isCIDR(str) ⇒ false ¢ 2 of 1…1844674407370955265
        quantity('1Gi').compareTo(quantity('1Mi')) > 0 ⇒ true ¢ 4 of 4…4
        isQuantity(str) ⇒ false ¢ 2 of 1…1844674407370955265
        semver('1.2.3').isLessThan(semver('1.2.4')) ⇒ true ¢ 3 of 3…3
        strings.quote(str) ⇒ "\"hello\"" ¢ 2 of 1…1844674407370955265
        '%s is %d'.format([str, num]) ⇒ "hello is 5" ¢ 13 of 13…13
        string(num) + str ⇒ "5hello" ¢ 4 of 3…1844674407370955267
        int(str) == 1 || true ⇒ true ¢ 3 of 3…3
        bytes(str).size() ⇒ 5 ¢ 3 of 2…1844674407370955266
        duration('1h').getHours() == 1 ⇒ true ¢ 2 of 3…3
        timestamp('2020-01-01T00:00:00Z').getFullYear() == 2020 ⇒ true ¢ 2 of 3…3
        optional.of(str).hasValue() ⇒ true ¢ 3 of 3…3
        obj.?s.orValue('x') ⇒ "text" ¢ 2 of 3…3
        obj.?a.?b ⇒ optional([1, 2, {"c": "d"}]) ¢ 3 of 3…3
        obj.a.b[0] == 1 ⇒ true ¢ 5 of 3…3
        obj.list.all(x, x != '') ⇒ true ¢ 11 of 2…18446744073709551615
        has(obj.a) && has(obj.a.b) ⇒ true ¢ 3 of 1…2
        num > 1 ? str : 'other' ⇒ "hello" ¢ 2 of 2…3
        (num > 1 ? strs : ['x']).size() ⇒ 3 ¢ 3 of 4…13
        {'a': str}['a'] == 'x' ⇒ false ¢ 34 of 33…33
        {'a': [str]}.a[0].size() ⇒ 5 ¢ 45 of 44…44
        [str, 'abc'].map(s, s.size()) ⇒ [5, 3] ¢ 40 of 50…50
        strs.map(s, s.size()).sum() ⇒ 3 ¢ 47 of 12…18446744073709551615
        strs.transformList(i, s, s + string(i)) ⇒ ["b0", "a1", "c2"] ¢ 50 of 12…18446744073709551615
        strs.transformMap(i, s, s) ⇒ {0: "b", 1: "a", 2: "c"} ¢ 14 of 32…18446744073709551615
        counts.transformMap(k, v, v + 1) ⇒ {"one": 2, "two": 3} ¢ 12 of 32…18446744073709551615
        strs.sortBy(s, s) ⇒ ["a", "b", "c"] ¢ 72 of 35…18446744073709551615
        optional.of(strs).optMap(l, l.size()) ⇒ optional(3) ¢ 9 of 4…19
        strs.indexOf('a') ⇒ 1 ¢ 1 of 1…18446744073709551615
        str.indexOf('l') ⇒ 2 ¢ 1 of 1…1844674407370955265
        str.substring(1, 3) ⇒ "el" ¢ 2 of 1…1844674407370955265
        str.trim() ⇒ "hello" ¢ 2 of 1…1844674407370955265
        str < 'world' ⇒ true ¢ 2 of 2…2
        b'abc' < bytes(str) ⇒ true ¢ 3 of 2…1844674407370955266
        dyn(str) == dyn('hello') ⇒ true ¢ 3 of 4…4
        type(str) == string ⇒ true ¢ 3 of 4…1844674407370955267
        str.charAt(0) ⇒ "h" ¢ 2 of 2…2
        format.dns1123Label().validate(str).hasValue() ⇒ false ¢ 11 of 3…18446744073709551615
        format.named('uuid').hasValue() ⇒ true ¢ 2 of 2…2
        jsonpatch.escapeKey(str) ⇒ "hello" ¢ 2 of 1…1844674407370955265
        strs + strs ⇒ ["b", "a", "c", "b", "a", "c"] ¢ 3 of 3…3
        (strs + ['x']).all(s, s.size() < 5) ⇒ true ¢ 27 of 16…18446744073709551615
        [1, 2, 3].map(x, [x, x]).map(y, y[0]) ⇒ [1, 2, 3] ¢ 116 of 146…146
        strs.first().orValue('').size() ⇒ 1 ¢ 3 of 4…4
        strs.map(s, {'k': s}).exists(m, m.k == 'a') ⇒ true ¢ 149 of 13…18446744073709551615
        num == 5 && str == 'hello' || strs.size() == 3 ⇒ true ¢ 4 of 2…7
        -num ⇒ -5 ¢ 2 of 2…2
        !(num > 3) ⇒ false ¢ 3 of 3…3
        num + num * 2 - 1 ⇒ 14 ¢ 5 of 5…5
        """##
}
