.PHONY: test-mysql
test-mysql: deps ## the MySQL store's tests beside a genuine MySQL 9 from Debian unstable, downloaded, not installed
	@scripts/mysql9 $(CARGO) test -p express-session-mysql --features server-tests

.PHONY: test-sweep
test-sweep: deps ## SWEEP_ROWS=1000000 sessions swept while requests run
	@SWEEP_ROWS=$${SWEEP_ROWS:-1000000} $(CARGO) test -p express-session-mysql --features server-tests --test servers sweeping
