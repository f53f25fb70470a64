/// What URLs, addresses, quantities, versions and formats come to, by cel-go and Kubernetes v1.36.
///
/// A line is an expression, its value, and what it cost of the least and the most that was estimated. `!` stands before
/// the error of a run, `✗` before what keeps an expression from being compiled.
extension Tables {
    static let kubernetes = ##"""
        url('https://user:pw@example.com:8080/a%20b/c?x=1&y=2&x=3#frag').getScheme() ⇒ "https" ¢ 7 of 7…7
        url('https://user:pw@example.com:8080/a%20b/c?x=1&y=2&x=3#frag').getHost() ⇒ "example.com:8080" ¢ 7 of 7…7
        url('https://user:pw@example.com:8080/a%20b/c?x=1&y=2&x=3#frag').getHostname() ⇒ "example.com" ¢ 7 of 7…7
        url('https://user:pw@example.com:8080/a%20b/c?x=1&y=2&x=3#frag').getPort() ⇒ "8080" ¢ 7 of 7…7
        url('https://user:pw@example.com:8080/a%20b/c?x=1&y=2&x=3#frag').getEscapedPath() ⇒ "/a%20b/c" ¢ 7 of 7…7
        url('https://user:pw@example.com:8080/a%20b/c?x=1&y=2&x=3#frag').getQuery() ⇒ {"x": ["1", "3"], "y": ["2"]} ¢ 7 of 7…7
        url('/path/only').getScheme() ⇒ "" ¢ 2 of 2…2
        url('/path/only').getHost() ⇒ "" ¢ 2 of 2…2
        url('/path/only').getEscapedPath() ⇒ "/path/only" ¢ 2 of 2…2
        url('https://[::1]:80/').getHost() ⇒ "[::1]:80" ¢ 3 of 3…3
        url('https://[::1]:80/').getHostname() ⇒ "::1" ¢ 3 of 3…3
        url('https://[::1]/').getPort() ⇒ "" ¢ 3 of 3…3
        url('https://example.com').getPort() ⇒ "" ¢ 3 of 3…3
        url('https://example.com/päth').getEscapedPath() ⇒ "/p%C3%A4th" ¢ 4 of 4…4
        url('https://example.com/with space').getEscapedPath() ⇒ "/with%20space" ¢ 4 of 4…4
        url('https://example.com/?q=a%20b+c').getQuery() ⇒ {"q": ["a b c"]} ¢ 4 of 4…4
        url('HTTPS://Example.com').getScheme() ⇒ "https" ¢ 3 of 3…3
        url('mailto:a@b.c').getScheme() ⇒ "mailto" ¢ 3 of 3…3
        url('../relative') ⇒ ! URL parse error during conversion from string: parse "../relative": invalid URI for request ¢ 2 of 2…2
        url('') ⇒ ! URL parse error during conversion from string: parse "": empty url ¢ 0 of 0…0
        url('https://a b') ⇒ ! URL parse error during conversion from string: parse "https://a b": invalid character " " in host name ¢ 2 of 2…2
        url('https://example.com:port/') ⇒ ! URL parse error during conversion from string: parse "https://example.com:port/": invalid port ":port" after host ¢ 3 of 3…3
        url('://x') ⇒ ! URL parse error during conversion from string: parse "://x": missing protocol scheme ¢ 1 of 1…1
        url('https://example.com/%zz') ⇒ ! URL parse error during conversion from string: parse "https://example.com/%zz": invalid URL escape "%zz" ¢ 3 of 3…3
        url('https://a.b/c') == url('https://a.b/c') ⇒ true ¢ 5 of 5…6
        url('https://a.b/c') == url('https://a.b/d') ⇒ false ¢ 5 of 5…6
        isURL('https://a.b') ⇒ true ¢ 1 of 1…1
        isURL('/a') ⇒ true ¢ 1 of 1…1
        isURL('a') ⇒ false ¢ 1 of 1…1
        isURL('') ⇒ false ¢ 1 of 1…1
        isURL('http://') ⇒ true ¢ 1 of 1…1
        isURL('https://a:b') ⇒ false ¢ 1 of 1…1
        ip('192.168.0.1') ⇒ <net.IP> ¢ 2 of 2…2
        ip('192.168.0.1') == ip('192.168.0.1') ⇒ true ¢ 5 of 5…5
        ip('192.168.0.1') == ip('192.168.0.2') ⇒ false ¢ 5 of 5…5
        ip('192.168.0.1.5') ⇒ ! IP Address "192.168.0.1.5" parse error during conversion from string: ParseAddr("192.168.0.1.5"): IPv4 address too long ¢ 2 of 2…2
        ip('300.1.1.1') ⇒ ! IP Address "300.1.1.1" parse error during conversion from string: ParseAddr("300.1.1.1"): IPv4 field has value >255 ¢ 1 of 1…1
        ip('01.2.3.4') ⇒ ! IP Address "01.2.3.4" parse error during conversion from string: ParseAddr("01.2.3.4"): IPv4 field has octet with leading zero ¢ 1 of 1…1
        ip('abc') ⇒ ! IP Address "abc" parse error during conversion from string: ParseAddr("abc"): unable to parse IP ¢ 1 of 1…1
        ip('::ffff:1.2.3.4') ⇒ ! IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed ¢ 2 of 2…2
        ip('fe80::1%eth0') ⇒ ! IP address "fe80::1%eth0" with zone value is not allowed ¢ 2 of 2…2
        ip('192.168.0.1').family() ⇒ 4 ¢ 3 of 3…3
        ip('::1').family() ⇒ 6 ¢ 2 of 2…2
        ip.isCanonical('127.0.0.1') ⇒ true ¢ 2 of 2…2
        ip.isCanonical('2001:DB8::ABCD') ⇒ false ¢ 3 of 3…3
        ip.isCanonical('2001:db8::abcd') ⇒ true ¢ 3 of 3…3
        ip.isCanonical('x') ⇒ ! IP Address "x" parse error during conversion from string: ParseAddr("x"): unable to parse IP ¢ 1 of 1…1
        isIP('127.0.0.1') ⇒ true ¢ 1 of 1…1
        isIP('::') ⇒ true ¢ 1 of 1…1
        isIP('::1::2') ⇒ false ¢ 1 of 1…1
        isIP('1:2:3:4:5:6:7:8') ⇒ true ¢ 2 of 2…2
        isIP('1:2:3:4:5:6:7') ⇒ false ¢ 2 of 2…2
        isIP('1:2:3:4:5:6:1.2.3.4') ⇒ true ¢ 2 of 2…2
        isIP('::ffff:1.2.3.4') ⇒ false ¢ 2 of 2…2
        isIP('1.2.3') ⇒ false ¢ 1 of 1…1
        isIP('') ⇒ false ¢ 0 of 0…0
        ip('0.0.0.0').isUnspecified() ⇒ true ¢ 2 of 2…2
        ip('127.0.0.1').isUnspecified() ⇒ false ¢ 2 of 2…2
        ip('::').isUnspecified() ⇒ true ¢ 2 of 2…2
        ip('127.0.0.1').isLoopback() ⇒ true ¢ 2 of 2…2
        ip('::1').isLoopback() ⇒ true ¢ 2 of 2…2
        ip('1.2.3.4').isLoopback() ⇒ false ¢ 2 of 2…2
        ip('224.0.0.1').isLinkLocalMulticast() ⇒ true ¢ 2 of 2…2
        ip('ff02::1').isLinkLocalMulticast() ⇒ true ¢ 2 of 2…2
        ip('224.0.1.1').isLinkLocalMulticast() ⇒ false ¢ 2 of 2…2
        ip('169.254.169.254').isLinkLocalUnicast() ⇒ true ¢ 3 of 3…3
        ip('fe80::1').isLinkLocalUnicast() ⇒ true ¢ 2 of 2…2
        ip('fd80::1').isLinkLocalUnicast() ⇒ false ¢ 2 of 2…2
        ip('8.8.8.8').isGlobalUnicast() ⇒ true ¢ 2 of 2…2
        ip('255.255.255.255').isGlobalUnicast() ⇒ false ¢ 3 of 3…3
        ip('10.0.0.1').isGlobalUnicast() ⇒ true ¢ 2 of 2…2
        ip('ff02::1').isGlobalUnicast() ⇒ false ¢ 2 of 2…2
        string(ip('2001:0db8:0:0:0:0:0:1')) ⇒ "2001:db8::1" ¢ 4 of 4…4
        string(ip('1:0:0:2:0:0:0:3')) ⇒ "1:0:0:2::3" ¢ 3 of 3…3
        string(ip('1:0:2:0:3:0:4:0')) ⇒ "1:0:2:0:3:0:4:0" ¢ 3 of 3…3
        cidr('192.168.0.0/24') ⇒ <net.CIDR> ¢ 2 of 2…2
        cidr('192.168.0.0/33') ⇒ ! network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("192.168.0.0/33"): prefix length out of range ¢ 2 of 2…2
        cidr('192.168.0.0') ⇒ ! network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("192.168.0.0"): no '/' ¢ 2 of 2…2
        cidr('192.168.0.0/024') ⇒ ! network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("192.168.0.0/024"): bad bits after slash: "024" ¢ 2 of 2…2
        cidr('x/8') ⇒ ! network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("x/8"): ParseAddr("x"): unable to parse IP ¢ 1 of 1…1
        cidr('::ffff:1.2.3.4/120') ⇒ ! network address parse error during conversion from string: IPv4-mapped IPv6 address "::ffff:1.2.3.4/120" is not allowed ¢ 2 of 2…2
        cidr('192.168.0.0/24').containsIP('192.168.0.1') ⇒ true ¢ 5 of 5…8
        cidr('192.168.0.0/24').containsIP('192.168.1.1') ⇒ false ¢ 5 of 5…8
        cidr('192.168.0.0/24').containsIP(ip('192.168.0.1')) ⇒ true ¢ 5 of 5…8
        cidr('192.168.0.0/24').containsIP('::1') ⇒ false ¢ 4 of 4…7
        cidr('192.168.0.0/24').containsIP('x') ⇒ ! no such overload ¢ 4 of 4…7
        cidr('192.168.0.0/24').containsCIDR('192.168.0.0/25') ⇒ true ¢ 7 of 7…11
        cidr('192.168.0.0/24').containsCIDR('192.168.0.0/23') ⇒ false ¢ 7 of 7…11
        cidr('192.168.0.0/24').containsCIDR(cidr('192.168.0.128/25')) ⇒ true ¢ 7 of 7…11
        cidr('2001:db8::/32').containsCIDR('2001:db8:1::/48') ⇒ true ¢ 7 of 7…11
        cidr('192.168.0.7/24').ip() ⇒ <net.IP> ¢ 3 of 3…3
        string(cidr('192.168.0.7/24').ip()) ⇒ "192.168.0.7" ¢ 4 of 4…4
        cidr('192.168.0.0/24').prefixLength() ⇒ 24 ¢ 3 of 3…3
        string(cidr('192.168.0.7/24').masked()) ⇒ "192.168.0.0/24" ¢ 4 of 4…4
        string(cidr('2001:db8::5/64').masked()) ⇒ "2001:db8::/64" ¢ 4 of 4…4
        cidr('192.168.0.0/24') == cidr('192.168.0.0/24') ⇒ true ¢ 5 of 5…5
        cidr('192.168.0.0/24') == cidr('192.168.0.1/24') ⇒ false ¢ 5 of 5…5
        isCIDR('10.0.0.0/8') ⇒ true ¢ 1 of 1…1
        isCIDR('10.0.0.0') ⇒ false ¢ 1 of 1…1
        isCIDR('::/0') ⇒ true ¢ 1 of 1…1
        isCIDR('::/129') ⇒ false ¢ 1 of 1…1
        quantity('1Gi') ⇒ <kubernetes.Quantity> ¢ 1 of 1…1
        quantity('1Gi') == quantity('1024Mi') ⇒ true ¢ 3 of 3…3
        quantity('abc') ⇒ ! quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' ¢ 1 of 1…1
        quantity('') ⇒ ! quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' ¢ 0 of 0…0
        isQuantity('50Mi') ⇒ true ¢ 1 of 1…1
        isQuantity('50mi') ⇒ false ¢ 1 of 1…1
        isQuantity('1.5') ⇒ true ¢ 1 of 1…1
        isQuantity('') ⇒ false ¢ 0 of 0…0
        isQuantity('-1k') ⇒ true ¢ 1 of 1…1
        quantity('50000000G').isInteger() ⇒ true ¢ 2 of 2…2
        quantity('50k').isInteger() ⇒ true ¢ 2 of 2…2
        quantity('50k').asInteger() ⇒ 50000 ¢ 2 of 2…2
        quantity('1.5').asInteger() ⇒ ! cannot convert value to integer ¢ 2 of 2…2
        quantity('1.5').isInteger() ⇒ false ¢ 2 of 2…2
        quantity('1500m').asApproximateFloat() ⇒ 1.5d ¢ 2 of 2…2
        quantity('50.703k').asApproximateFloat() ⇒ 50703d ¢ 2 of 2…2
        quantity('10.5').asApproximateFloat() ⇒ 10.5d ¢ 2 of 2…2
        sign(quantity('-1')) ⇒ -1 ¢ 2 of 2…2
        sign(quantity('0')) ⇒ 0 ¢ 2 of 2…2
        quantity('1').sign() ⇒ ✗ 1:19: found no matching overload for 'sign' applied to 'kubernetes.Quantity.()'
        quantity('50k').isGreaterThan(quantity('20k')) ⇒ true ¢ 3 of 3…3
        quantity('50k').isLessThan(quantity('20k')) ⇒ false ¢ 3 of 3…3
        quantity('50k').compareTo(quantity('50000')) ⇒ 0 ¢ 3 of 3…3
        quantity('1').compareTo(quantity('2')) ⇒ -1 ¢ 3 of 3…3
        quantity('50k').add(quantity('20k')) == quantity('70k') ⇒ true ¢ 5 of 5…5
        quantity('50k').add(20) == quantity('50020') ⇒ true ¢ 4 of 4…4
        quantity('50k').sub(quantity('20k')) == quantity('30k') ⇒ true ¢ 5 of 5…5
        quantity('50k').sub(20000) == quantity('30k') ⇒ true ¢ 4 of 4…4
        quantity('1') == 1 ⇒ ✗ 1:15: found no matching overload for '_==_' applied to '(kubernetes.Quantity, int)'
        dyn(quantity('1')) == dyn(1) ⇒ ! no such overload ¢ 3 of 4…4
        quantity('1') == null ⇒ false ¢ 2 of 2…2
        semver('1.2.3') ⇒ <kubernetes.Semver> ¢ 1 of 1…1
        semver('1.2') ⇒ ! No Major.Minor.Patch elements found ¢ 1 of 1…1
        semver('v1.2.3') ⇒ ! Invalid character(s) found in major number "v1" ¢ 1 of 1…1
        semver('1.2', true).minor() ⇒ 2 ¢ 2 of 2…2
        semver('v1.02.3', true) == semver('1.2.3') ⇒ true ¢ 3 of 3…3
        semver('1', true).patch() ⇒ 0 ¢ 2 of 2…2
        semver('1-rc', true) ⇒ ! short version cannot contain PreRelease/Build meta data ¢ 1 of 1…1
        semver('01.2.3') ⇒ ! Major number must not contain leading zeroes "01" ¢ 1 of 1…1
        semver('1.2.3-alpha.1+build.5').patch() ⇒ 3 ¢ 4 of 4…4
        semver('1.2.3-') ⇒ ! Prerelease is empty ¢ 1 of 1…1
        semver('1.2.3-01') ⇒ ! Numeric PreRelease version must not contain leading zeroes "01" ¢ 1 of 1…1
        semver('') ⇒ ! Version string empty ¢ 0 of 0…0
        semver('1.2.x') ⇒ ! Invalid character(s) found in patch number "x" ¢ 1 of 1…1
        isSemver('1.0.0') ⇒ true ¢ 1 of 1…1
        isSemver('hello') ⇒ false ¢ 1 of 1…1
        isSemver('v1.0', true) ⇒ true ¢ 1 of 1…1
        isSemver('v1.0', false) ⇒ false ¢ 1 of 1…1
        semver('1.2.3').major() ⇒ 1 ¢ 2 of 2…2
        semver('1.2.3').isGreaterThan(semver('1.2.2')) ⇒ true ¢ 3 of 3…3
        semver('1.2.3').isLessThan(semver('1.2.3-rc1')) ⇒ false ¢ 3 of 3…3
        semver('1.2.3-alpha').compareTo(semver('1.2.3-beta')) ⇒ -1 ¢ 4 of 4…4
        semver('1.2.3-alpha.2').compareTo(semver('1.2.3-alpha.10')) ⇒ -1 ¢ 5 of 5…5
        semver('1.2.3-1').compareTo(semver('1.2.3-a')) ⇒ -1 ¢ 3 of 3…3
        semver('1.0.0+a') == semver('1.0.0+b') ⇒ true ¢ 3 of 3…3
        jsonpatch.escapeKey('a/b~c') ⇒ "a~1b~0c" ¢ 1 of 1…1
        jsonpatch.escapeKey('~1') ⇒ "~01" ¢ 1 of 1…1
        format.named('unknownFormat') ⇒ none ¢ 1 of 1…1
        format.named('dns1123Label').hasValue() ⇒ true ¢ 2 of 2…2
        format.dns1123Label().validate('abc').hasValue() ⇒ false ¢ 10 of 34…34
        format.dns1123Label().validate('A_').hasValue() ⇒ true ¢ 10 of 34…34
        format.dns1123Label() == format.named('dns1123Label').value() ⇒ true ¢ 4 of 4…10
        format.nope() ⇒ ✗ 1:1: undeclared reference to 'format' (in container '') | 1:12: undeclared reference to 'nope' (in container '')
        ip('1.1.1.1').foo() ⇒ ✗ 1:18: undeclared reference to 'foo' (in container '')
        url('https://a.b').foo ⇒ ✗ 1:19: unexpected failed resolution of 'kubernetes.URL'
        quantity('1').value ⇒ ✗ 1:14: unexpected failed resolution of 'kubernetes.Quantity'
        quantity('1') + quantity('2') ⇒ ✗ 1:15: found no matching overload for '_+_' applied to '(kubernetes.Quantity, kubernetes.Quantity)'
        """##
}
