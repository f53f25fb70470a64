// CRI
