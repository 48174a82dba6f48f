//! Every Lua text that is sent to Redis. The keys of each are in one slot, so it runs on a cluster as it is.

use std::fmt::Write as _;
use std::sync::LazyLock;

use deadpool_redis::redis::Cmd;
use sha1::{Digest as _, Sha1};

/// A script and the name Redis knows it by.
#[derive(Debug)]
pub(crate) struct Script {
    text: &'static str,
    sha1: LazyLock<String>,
}

impl Script {
    /// `EVALSHA`: by name, which costs 40 bytes. Redis forgets scripts when it restarts or fails over.
    pub(crate) fn by_name(&self) -> Cmd {
        let mut command = Cmd::new();
        command.arg("EVALSHA").arg(self.sha1.as_str());
        command
    }

    /// `EVAL`: by text, which also teaches Redis the name.
    pub(crate) fn by_text(&self) -> Cmd {
        let mut command = Cmd::new();
        command.arg("EVAL").arg(self.text);
        command
    }
}

/// The digest `redis.sha1hex` gives.
pub(crate) fn sha1_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(40);
    for byte in Sha1::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Changes an owner's list: a sorted set of ids, whose scores are the milliseconds until which they count. A pending entry
/// has half a millisecond more, one that is condemned has a negative score.
///
/// `ARGV`: the verb (`enlist`, `confirm`, `refresh`, `condemn`), for how many milliseconds, and the ids. Answer: `0` if an
/// entry is condemned, or is not there and only `refresh` would make it; else `1`. Time is that of Redis, so servers whose
/// clocks differ agree. Each change takes away what does not count any more, and the key lives as long as its last entry.
pub(crate) static OWNER_LIST: Script = Script {
    text: "\
local key, verb, life = KEYS[1], ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = now + life
local answer, changed = 1, false
local function note(id, score)
  redis.call('ZADD', key, string.format('%.1f', score), id)
  changed = true
end
for i = 3, #ARGV do
  local id = ARGV[i]
  local score = tonumber(redis.call('ZSCORE', key, id) or '')
  if score and math.abs(score) < now then score = nil end
  if verb == 'condemn' then
    note(id, -last)
  elseif score and score < 0 then
    answer = 0
  elseif verb == 'enlist' then
    if not score then note(id, last + 0.5) end
  elseif score or verb == 'refresh' then
    note(id, math.max(last, math.floor(score or 0)))
  else
    answer = 0
  end
end
if changed then
  redis.call('ZREMRANGEBYSCORE', key, string.format('(%.0f', -now), string.format('(%.0f', now))
  if redis.call('PTTL', key) < life + 1 then
    redis.call('PEXPIRE', key, string.format('%.0f', life + 1))
  end
end
return answer
",
    sha1: LazyLock::new(|| sha1_hex(OWNER_LIST.text.as_bytes())),
};

/// An owner's list: the time in milliseconds, and the ids with their scores, as [`OWNER_LIST`] writes them. What does not count any
/// more goes on the way, unless the server takes no writes.
pub(crate) static FIND_OWNED: Script = Script {
    text: "\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.pcall('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', -now), string.format('(%.0f', now))
return {now, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')}
",
    sha1: LazyLock::new(|| sha1_hex(FIND_OWNED.text.as_bytes())),
};

/// Compare-and-set.
///
/// `ARGV`: expected (the bytes, or their SHA-1), `1` if that is a SHA-1, the new value, its ttl in seconds
/// (`0` removes the key, empty means for ever). Answer: nothing if the session is gone, `1` if it was written,
/// else the value that was found instead.
pub(crate) static COMPARE_AND_SET: Script = Script {
    text: "\
local current = redis.call('GET', KEYS[1])
if not current or current == '' then return false end
local found = current
if ARGV[2] == '1' then found = redis.sha1hex(current) end
if found ~= ARGV[1] then return current end
if ARGV[4] == '0' then
  redis.call('DEL', KEYS[1])
elseif ARGV[4] == '' then
  redis.call('SET', KEYS[1], ARGV[3])
else
  redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
end
return 1
",
    sha1: LazyLock::new(|| sha1_hex(COMPARE_AND_SET.text.as_bytes())),
};

/// Read, and extend if that is due.
///
/// `ARGV`: the ttl in seconds of a session whose cookie has no lifetime; `1` if a cookie's own lifetime counts;
/// from when on it is due: `never`, `elapsed` or `share`; and how many milliseconds or which share of the ttl.
/// Answer: nothing, or the value, what it had left in milliseconds (`PTTL`), and the ttl it was given (or 0).
///
/// A lifetime is recognised only where Node and we write it, at the very beginning of the document; in all
/// other documents it is left to the caller, who reads JSON properly.
pub(crate) static GET_AND_TOUCH: Script = Script {
    text: "\
local value = redis.call('GET', KEYS[1])
if not value or value == '' then return false end
local left = redis.call('PTTL', KEYS[1])
local ttl = tonumber(ARGV[1])
if ARGV[2] == '1' then
  local own = string.match(value, '^{\"cookie\":{\"originalMaxAge\":([^,}]*)')
  if own ~= 'null' then
    own = tonumber(own or '')
    if not own then return {value, left, 0} end
    ttl = math.ceil(own / 1000)
  end
end
if ttl <= 0 or ttl > 8640000000000 or ARGV[3] == 'never' then return {value, left, 0} end
local life = ttl * 1000
local threshold = tonumber(ARGV[4])
if ARGV[3] == 'share' then threshold = threshold * life end
if left >= 0 and life - left < math.min(threshold, life) then return {value, left, 0} end
redis.call('EXPIRE', KEYS[1], string.format('%.0f', ttl))
return {value, left, ttl}
",
    sha1: LazyLock::new(|| sha1_hex(GET_AND_TOUCH.text.as_bytes())),
};

/// Removes a session, and leaves a mark that names the one that takes its place.
///
/// `KEYS`: the session's, the mark's. `ARGV`: expected (the bytes, or their SHA-1), `1` if that is a SHA-1, or nothing if
/// anything is expected; the successor; how long the mark lasts, in milliseconds. Answer: as [`COMPARE_AND_SET`].
///
/// If the session is gone and the mark is the very one, this is a repetition of what was done already. The removal comes
/// first, because after that a Redis that is full takes the mark too.
pub(crate) static SUPERSEDE: Script = Script {
    text: "\
if ARGV[2] ~= '' then
  local current = redis.call('GET', KEYS[1])
  if not current or current == '' then
    if redis.call('GET', KEYS[2]) == ARGV[3] then return 1 end
    return false
  end
  local found = current
  if ARGV[2] == '1' then found = redis.sha1hex(current) end
  if found ~= ARGV[1] then return current end
end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return 1
",
    sha1: LazyLock::new(|| sha1_hex(SUPERSEDE.text.as_bytes())),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_redis() {
        // redis-cli EVAL "return redis.sha1hex('abc')" 0
        assert_eq!(sha1_hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    }
}
