# frozen_string_literal: true

# Imitates a supervisord whose group "backups" has as many idle Sidekiq 6.4.1 as it is told, forked from one process: a
# real one would start a Ruby for each. supervisorctl, beside it, hands it a line of words and prints its answer.
# Usage: ruby FOLDER/supervisord COUNT

COUNT = Integer(ARGV[0])
FOLDER = __dir__
File.write("/proc/self/comm", "supervisord")

def work
  quieted = false
  trap("TSTP") { quieted = true }
  trap("TERM") { exit!(0) }
  $0 = "sidekiq 6.4.1 app [0 of 1 busy]"
  %w[heartbeat scheduler].each { |name| Thread.new { Thread.current.name = name; sleep } }
  processor = Thread.new { Thread.current.name = "processor"; sleep }
  sleep(0.2) until quieted
  processor.kill
  $0 = "sidekiq 6.4.1 app [0 of 1 busy] stopping"
  sleep
end

def start(program) = $running[program] ||= fork { work }

def stop(program)
  pid = $running.delete(program) or return
  Process.kill("TERM", pid)
  Process.wait(pid)
end

programs = (0...COUNT).map { |number| "backups:#{number}" }
$running = {}
programs.each { |program| start(program) }

loop do
  word, *names = File.read("#{FOLDER}/asked").split
  File.write("#{FOLDER}/told", "#{word} #{names.join(' ')}\n", mode: "a") unless word == "status"
  names = programs if names == ["backups:*"]
  names.each { |program| stop(program) } if %w[stop restart].include?(word)
  names.each { |program| start(program) } if %w[start restart].include?(word)
  lines = programs.map do |program|
    pid = $running[program]
    pid ? "#{program} RUNNING pid #{pid}, uptime 0:00:01" : "#{program} STOPPED Not started"
  end
  File.write("#{FOLDER}/answered", word == "status" ? "#{lines.join("\n")}\n" : "done\n")
end
