# frozen_string_literal: true

# Imitates a Sidekiq process of any version as it is seen from outside: title, names of threads, signals, and when each
# of them changes. Real ones of other versions than Debian's are not at hand.
#
# Settings are words NAME=VALUE: version, tag, size, jobs (seconds each, with commas), beat (seconds between two
# titles), capsules (with commas), log (file that gets a line per event), and
#   boot=N     has no title for N seconds, and no handlers
#   die=1      ends instead, after boot
#   tail=TEXT  a plugin's words after the title
#   title=TEXT keeps this title whatever happens: a server that embeds Sidekiq, or a swarm's parent
#   embedded=1 takes no signals, and its main thread is called puma
#   stuck=1    one processor thread never ends
#   sneak=N    N seconds after quiet an uncounted job begins on a thread that the title does not show
#   names=A,B  what the first threads for jobs are called: an old Ruby could not name them, or jobs have renamed them
#   heartbeat=NAME  what the heartbeat's thread is called
#   scheduler=NAME  what the scheduler's thread is called
#   inherit=N  N threads that run no job come later, under the name of one that does, and stay
#   disguise=NAME  the first thread for jobs takes this name on being quieted, and 20 seconds later an uncounted job
#   raw=HEX    bytes that are appended to the tag
#   until=FILE jobs end when there is a file of this name, whatever their seconds are

settings = ARGV.to_h { |word| word.split("=", 2) }
VERSION = settings.fetch("version", "6.4.1")
MAJOR, MINOR = VERSION.split(".").map(&:to_i)
PATCH = VERSION.split(".")[2].to_i
TAG = settings.fetch("tag", "app").b + [settings.fetch("raw", "")].pack("H*")
SIZE = Integer(settings.fetch("size", "3"))
JOBS = settings.fetch("jobs", "").split(",").map(&:to_f)
BEAT = Float(settings.fetch("beat", MAJOR >= 7 ? "10" : "5"))
CAPSULES = settings.fetch("capsules", "default").split(",")
LOG = settings["log"]
FIXED = settings["title"]
EMBEDDED = settings["embedded"]
NAMES = settings.fetch("names", "").split(",")
RELEASE = settings["until"]

def note(event)
  File.open(LOG, "a") { |file| file.write("#{Process.pid} #{event}\n") } if LOG
end

def work(seconds)
  RELEASE ? (sleep(0.1) until File.exist?(RELEASE)) : sleep(seconds)
end

def thread_name(kind, capsule)
  case
  when MAJOR < 6 then "util.rb:24"
  when MAJOR == 6 then kind
  when MAJOR == 7 && MINOR.zero? then kind == "processor" ? "#{capsule}/processor" : kind
  else kind == "processor" ? "sidekiq.#{capsule}/processor" : "sidekiq.#{kind}"
  end
end

def old_quiet_signal?
  MAJOR < 4 || (MAJOR == 4 && (MINOR < 2 || (MINOR == 2 && PATCH < 9)))
end

sleep(Float(settings.fetch("boot", "0")))
exit!(1) if settings["die"]
note("up")

$stopping = false
$leaving = false
$busy = 0
wishes = Queue.new
lock = Mutex.new

unless EMBEDDED
  # What Sidekiq does not trap keeps its default: USR1 ends a process from 6.0 on.
  signals = %w[TERM INT]
  signals += old_quiet_signal? ? %w[USR1] : %w[TSTP]
  signals << "USR1" if MAJOR == 5 || (MAJOR == 4 && !old_quiet_signal?)
  signals.uniq.each { |name| trap(name) { wishes << name } }
end

queue = Queue.new
JOBS.each { |seconds| queue << seconds }

def title
  return FIXED if FIXED

  text = "sidekiq #{VERSION} ".b + TAG + " [#{$busy} of #{SIZE * CAPSULES.size} busy]".b
  text << " stopping" if $stopping
  text
end

# All are made before any of them works: on a machine with much to do they begin together all the same, as far as can be
# seen from outside, and are there before the title.
$threads = []
$named = Queue.new
$gate = Queue.new

def begin_thread(name)
  $threads << Thread.new do
    Thread.current.name = name
    $named << true
    $gate.pop
    yield
  end
end

# In Sidekiq's order: the heartbeat, the scheduler, the threads for jobs.
tail = settings["tail"]
begin_thread(settings["heartbeat"] || thread_name("heartbeat", nil)) do
  loop do
    $0 = tail ? title + " #{tail}" : title
    sleep(BEAT)
  end
end

begin_thread(settings["scheduler"] || thread_name("scheduler", nil)) do
  sleep(0.2) until $stopping
end

CAPSULES.each do |capsule|
  Array.new(SIZE) do |index|
    begin_thread(NAMES[index] || thread_name("processor", capsule)) do
      until $stopping && !(settings["stuck"] && index.zero? && capsule == CAPSULES.first)
        seconds = $stopping ? nil : (queue.pop(true) rescue nil)
        if seconds
          lock.synchronize { $busy += 1 }
          note("job begins")
          work(seconds)
          note("job ends")
          lock.synchronize { $busy -= 1 }
        else
          sleep(0.2)
        end
      end
      if settings["disguise"] && index.zero?
        Thread.current.name = settings["disguise"]
        sleep(20)
        note("disguised job begins")
        sleep(2)
        note("disguised job ends")
      end
    end
  end
end

$threads.each { $named.pop }
$gate.close

Thread.new do
  sleep(1.5)
  Integer(settings.fetch("inherit", "0")).times do
    Thread.new do
      Thread.current.name = thread_name("processor", CAPSULES.first)
      sleep
    end
  end
  sleep
end

if EMBEDDED
  Thread.current.name = "puma"
  sleep
end

loop do
  wish = wishes.pop
  note(wish)
  if wish == "TSTP" || wish == "USR1"
    unless $stopping
      $stopping = true
      if settings["sneak"]
        Thread.new do
          Thread.current.name = thread_name("processor", CAPSULES.first)
          sleep(Float(settings["sneak"]))
          note("sneaked job begins")
          lock.synchronize { $busy += 1 }
          sleep(3)
          lock.synchronize { $busy -= 1 }
          note("sneaked job ends")
        end
      end
    end
  else
    $stopping = true
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 8
    sleep(0.1) while $busy.positive? && Process.clock_gettime(Process::CLOCK_MONOTONIC) < deadline
    note($busy.positive? ? "killed #{$busy} jobs" : "left")
    exit!(0)
  end
end
