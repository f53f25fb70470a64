// Between the version of a custom resource that a request is about and the version that is stored: for built-in types
// there is nothing to do, for most custom ones little, and for some a webhook is asked.

import JSON
import KubeTypes
import Storage

/// Why a write did not happen.
enum CommitError: Error {
    case store(StoreError)
    /// The object could not be brought into the form in which it is stored.
    case refused(APIError)
}

extension APIError {
    init(_ error: CommitError) {
        switch error {
        case .store(let error): self.init(error)
        case .refused(let error): self = error
        }
    }
}

extension ResourceCache {
    /// Calls `then` with an object of this version as it is to be stored, at once where no webhook is asked.
    func inStoredForm(_ object: JSONValue, _ then: @escaping @Sendable (Result<JSONValue, APIError>) -> Void) {
        guard let form else { return then(.success(object)) }
        guard form.needsWebhookToStore else { return then(.success(form.stored(object))) }
        Task {
            do throws(APIError) {
                then(.success(try await form.storedByWebhook(object)))
            } catch {
                then(.failure(error))
            }
        }
    }

    /// Calls `then` with a stored object in this version, at once where no webhook is asked.
    func inShownForm(_ raw: CachedObject, _ then: @escaping @Sendable (Result<CachedObject, APIError>) -> Void) {
        guard let form else { return then(.success(raw)) }
        guard mayLag, form.needsWebhook(toShow: raw.value) else { return then(.success(form.shown(raw))) }
        Task {
            do throws(APIError) {
                then(.success(try await form.shownByWebhook(raw)))
            } catch {
                then(.failure(error))
            }
        }
    }

    /// A stored object in this version.
    func inShownForm(_ raw: CachedObject) async throws(APIError) -> CachedObject {
        guard let form else { return raw }
        return try await form.shownByWebhook(raw)
    }
}
