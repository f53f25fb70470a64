// APISchema
