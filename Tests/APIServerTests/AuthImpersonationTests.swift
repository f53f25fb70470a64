// Acting as somebody else: who may, as whom, and what is said to who may not.

import JSON
import KubeTypes
import NIOHTTP1
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(5))) struct AuthImpersonationTests {
    private func plane(_ rules: [JSONValue]) async throws -> ControlPlane {
        let plane = try await ControlPlane()
        let path = "/apis/rbac.authorization.k8s.io/v1"
        await plane.call(
            .POST, "\(path)/clusterroles",
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": ["name": "r"],
                "rules": .array(rules),
            ])
        await plane.call(
            .POST, "\(path)/clusterrolebindings",
            [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": "b"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "nobody"]],
            ])
        return plane
    }

    private func rule(_ verbs: [String], _ group: String, _ resources: [String], _ names: [String] = []) -> JSONValue {
        var rule: JSONValue = [
            "verbs": .array(verbs.map(JSONValue.string)), "apiGroups": [.string(group)],
            "resources": .array(resources.map(JSONValue.string)),
        ]
        if !names.isEmpty { rule["resourceNames"] = .array(names.map(JSONValue.string)) }
        return rule
    }

    private func whoAmI(_ plane: ControlPlane, _ headers: [(String, String)], token: String = "nobody") async
        -> Recorded
    {
        await plane.call(
            .POST, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            ["apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"], token: token, headers: headers)
    }

    @Test func mastersMayBeAnybody() async throws {
        let plane = try await ControlPlane()
        let headers = [
            ("Impersonate-User", "ann"), ("Impersonate-Group", "dev"), ("Impersonate-Group", "ops"),
            ("Impersonate-Uid", "u1"), ("Impersonate-Extra-Acme.com%2Fproject", "p"),
        ]
        let user = try #require(await whoAmI(plane, headers, token: "admin").json[path: "status", "userInfo"])
        #expect(user["username"] == "ann")
        #expect(user["uid"] == "u1")
        #expect(user["groups"] == ["dev", "ops", "system:authenticated"])
        #expect(user["extra"] == ["acme.com/project": ["p"]])
        let account = await whoAmI(plane, [("Impersonate-User", "system:serviceaccount:a:b")], token: "admin")
        #expect(
            account.json[path: "status", "userInfo", "groups"]
                == ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"])
        let anonymous = await plane.call(
            .GET, "/api/v1/nodes", headers: [("Impersonate-User", "system:anonymous")])
        #expect(anonymous.message.contains("User \"system:anonymous\" cannot list"))
        let without = await whoAmI(plane, [("Impersonate-Group", "dev")], token: "admin")
        #expect(without.status == 400)
        #expect(without.message.contains("without impersonating a user name"))
    }

    @Test func whoMayNotHearsOfTheFirstModeThatApplies() async throws {
        let plane = try await plane([])
        let user = await plane.call(
            .GET, "/api/v1/namespaces/default/pods", token: "nobody", headers: [("Impersonate-User", "ann")])
        #expect(user.status == 403)
        #expect(
            user.message
                == "pods is forbidden: User \"nobody\" cannot impersonate-on:user-info:list resource \"pods\" in API group "
                + "\"\" in the namespace \"default\"")
    }

    @Test func theOldWay() async throws {
        let plane = try await plane([
            rule(["impersonate"], "", ["users"], ["ann"]), rule(["impersonate"], "", ["groups"], ["dev"]),
            rule(["impersonate"], "", ["serviceaccounts"]),
        ])
        #expect(await whoAmI(plane, [("Impersonate-User", "ann")]).status == 201)
        #expect(await whoAmI(plane, [("Impersonate-User", "bob")]).status == 403)
        #expect(await whoAmI(plane, [("Impersonate-User", "ann"), ("Impersonate-Group", "dev")]).status == 201)
        #expect(await whoAmI(plane, [("Impersonate-User", "ann"), ("Impersonate-Group", "ops")]).status == 403)
        #expect(await whoAmI(plane, [("Impersonate-User", "ann"), ("Impersonate-Uid", "1")]).status == 403)
        #expect(await whoAmI(plane, [("Impersonate-User", "ann"), ("Impersonate-Extra-a", "1")]).status == 403)
        #expect(await whoAmI(plane, [("Impersonate-User", "system:serviceaccount:a:b")]).status == 201)
    }

    @Test func onlyForWhatIsNamed() async throws {
        let authentication = "authentication.k8s.io"
        let plane = try await plane([
            rule(["impersonate:user-info"], authentication, ["users"], ["ann"]),
            rule(["impersonate-on:user-info:create"], authentication, ["selfsubjectreviews"]),
            rule(["impersonate:arbitrary-node"], authentication, ["nodes"], ["n1"]),
            rule(["impersonate-on:arbitrary-node:create"], authentication, ["selfsubjectreviews"]),
            rule(["impersonate:serviceaccount"], authentication, ["serviceaccounts"]),
            rule(["impersonate-on:serviceaccount:create"], authentication, ["selfsubjectreviews"]),
            rule(["impersonate:user-info"], authentication, ["groups"]),
        ])
        let ann = await whoAmI(plane, [("Impersonate-User", "ann")])
        #expect(ann.json[path: "status", "userInfo", "username"] == "ann", "\(ann.text)")
        #expect(
            await plane.call(.GET, "/api", token: "nobody", headers: [("Impersonate-User", "ann")]).status == 403)
        let node = await whoAmI(plane, [("Impersonate-User", "system:node:n1")])
        #expect(node.json[path: "status", "userInfo", "groups"] == ["system:nodes", "system:authenticated"])
        #expect(await whoAmI(plane, [("Impersonate-User", "system:node:n2")]).status == 403)
        #expect(await whoAmI(plane, [("Impersonate-User", "system:serviceaccount:a:b")]).status == 201)
        let masters = await whoAmI(plane, [("Impersonate-User", "ann"), ("Impersonate-Group", "system:masters")])
        #expect(masters.status == 403)
        #expect(masters.message.contains("impersonating the system:masters group is not allowed"))
    }
}
