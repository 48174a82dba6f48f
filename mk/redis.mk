# The Redis store beside newer servers than the machine's.

.PHONY: test-redis
test-redis: deps ## the Redis store's tests beside Valkey 9 and Redis 8 from Debian unstable, downloaded, not installed
	@scripts/newer-redis valkey $(CARGO) test -p express-session-redis --features server-tests
	@scripts/newer-redis redis $(CARGO) test -p express-session-redis --features server-tests
