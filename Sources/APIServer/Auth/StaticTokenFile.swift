import KubeTypes

/// The file of `--token-auth-file`: lines of comma-separated values `token,user,uid,"group1,group2"`.
public enum StaticTokenFile {
    /// - Throws: with a reason that names the line which has too few values.
    public static func parse(_ text: String) throws(AuthenticationError) -> [String: UserInfo] {
        var tokens: [String: UserInfo] = [:]
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = line.drop { $0 == " " || $0 == "\t" }
            if line.isEmpty || line.hasPrefix("#") { continue }
            let values = values(line)
            guard values.count >= 3 else {
                throw AuthenticationError(
                    "line \(number + 1) of the token file must have at least 3 columns (token, user name, user uid), "
                        + "found \(values.count)")
            }
            guard !values[0].isEmpty else { continue }
            var user = UserInfo(name: values[1], uid: values[2])
            if values.count > 3 { user.groups = values[3].split(separator: ",").map(String.init) }
            tokens[values[0]] = user
        }
        return tokens
    }

    /// RFC 4180: a value in quotes may hold commas, and a quote written twice.
    private static func values(_ line: Substring) -> [String] {
        var values = [""]
        var isQuoted = false
        var wasQuote = false
        for character in line {
            if character == "\"" {
                if isQuoted {
                    wasQuote = true
                    isQuoted = false
                } else {
                    if wasQuote { values[values.count - 1].append(character) }
                    isQuoted = true
                    wasQuote = false
                }
                continue
            }
            wasQuote = false
            if character == ",", !isQuoted {
                values.append("")
            } else {
                values[values.count - 1].append(character)
            }
        }
        return values
    }
}
