# frozen_string_literal: true

# The application that the local worker hosts run: jobs of a given length, and a ledger in Redis of what became of
# them. An entry is written before and after the work itself, so a job that was killed has started and not finished,
# and one that was pushed back and run again has started twice.

require "sidekiq"
require "socket"

# Appends what happens on this worker to the Redis stream `ledger`.
module Ledger
  STREAM = "ledger"
  HOST = ENV.fetch("INSTANCE_ID") { Socket.gethostname }

  def self.record(event, fields = {})
    at = Process.clock_gettime(Process::CLOCK_REALTIME, :microsecond)
    entry = { "event" => event, "host" => HOST, "pid" => Process.pid.to_s, "at" => at.to_s }.merge(fields)
    Sidekiq.redis { |redis| redis.call("XADD", STREAM, "*", *entry.flatten) }
  end
end

# A job that takes the given number of seconds and uses next to no CPU.
class NightlyBackup
  include Sidekiq::Worker

  def perform(seconds)
    Ledger.record("started", "jid" => jid)
    work(seconds)
    Ledger.record("finished", "jid" => jid)
  rescue Sidekiq::Shutdown
    Ledger.record("interrupted", "jid" => jid)
    raise
  end

  private

  def work(seconds)
    sleep(seconds)
  end
end

# One that lasts until the key `released` is set, at most the given number of seconds.
class HeldBackup < NightlyBackup
  private

  def work(seconds)
    latest = now + seconds
    sleep(0.2) until now > latest || Sidekiq.redis { |redis| redis.call("EXISTS", "released") }.positive?
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end

# Sidekiq 6.4 with redis-rb 4.8 would log each fetch as deprecated.
Redis.silence_deprecations = true if defined?(Redis) && Redis.respond_to?(:silence_deprecations=)

Sidekiq.configure_server do |config|
  config.redis = { url: ENV.fetch("REDIS_URL") }
  version = File.join(__dir__, "VERSION")
  label = File.exist?(version) ? File.read(version).strip : ""
  config.on(:startup) { Ledger.record("worker_started", "version" => label) }
  config.on(:quiet) { Ledger.record("worker_quieted") }
  config.on(:shutdown) { Ledger.record("worker_stopping") }
end
