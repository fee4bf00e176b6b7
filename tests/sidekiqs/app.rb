# frozen_string_literal: true

# What the tests on real Sidekiqs run beside the jobs of the ledger: jobs that are a piece of Ruby, and a job logger that
# takes JOB_LOGGER_SECONDS before it lets a fetched job begin.

require_relative "ledger_app"

class RubyCode
  include Sidekiq::Worker

  def perform(code)
    eval(code) # rubocop:disable Security/Eval
  end
end

if (seconds = ENV["JOB_LOGGER_SECONDS"])
  require "sidekiq/job_logger"

  class SlowJobLogger < Sidekiq::JobLogger
    SECONDS = Float(ENV.fetch("JOB_LOGGER_SECONDS"))

    def call(item, queue)
      sleep(SECONDS) if item["class"] == "NightlyBackup"
      super
    end
  end

  Sidekiq.configure_server do |config|
    (config.respond_to?(:options) ? config.options : config)[:job_logger] = SlowJobLogger
  end
end
