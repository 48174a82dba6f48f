# OWASP ASVS: the tests that docs/ASVS.md names.

.PHONY: asvs
asvs: deps ## runs the tests that docs/ASVS.md names; fails if one of them does not exist
	@scripts/asvs docs/ASVS.md
