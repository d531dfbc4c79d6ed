/*
 * A load generator for Bitcoin's v1 handshake on regtest: one thread, epoll, loopback only.
 *
 *   generator dial --port P --total N --inflight C [--keep K] [--sources S] [--seconds T] [--reset]
 *   generator respond --port P [--inflight C] [--addresses A]
 *
 * dial: N handshakes, C under way at a time. One is: connect, version, read version, send wtxidrelay sendaddrv2 verack,
 * read verack, ping, done at pong. The latest K stay open, older ones are closed (orderly; --reset: by reset). S: source
 * addresses 127.0.1.1, 127.0.1.2, … in turn, since one has 28,000 ports. A line of JSON tells how it went. With K above
 * 0 it then takes lines on stdin: `ping` pings every peer and tells how many answered, `more N` does N handshakes more
 * and tells of those.
 *
 * respond: accepts on 127.0.0.1 … 127.0.0.A, answers version with version wtxidrelay sendaddrv2 verack in one write, and
 * ping with pong; closes by reset when the other side ends.
 *
 * The end of stdin ends it, so it never outlives who started it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 24, NONCE = 8, EVENTS = 512, MAX_TOTAL = 10000000, MAX_PEERS = 100000, MAX_ADDRESSES = 250 };
enum stage { CONNECTING, GREETED, ANSWERED, PINGED, KEPT, ACCEPTED };
static const double HANDSHAKE_LIMIT = 20, PONG_LIMIT = 10;
static const uint8_t MAGIC[4] = {0xfa, 0xbf, 0xb5, 0xda};

struct frames { uint8_t bytes[512]; size_t size; };
struct peer {
  int fd;
  enum stage stage;
  double since;
  uint32_t have, left;   /* bytes of the header, bytes of the payload that are still to come */
  uint32_t held;         /* bytes of the payload in `start` */
  int awaited;           /* a pong of the second round */
  struct peer *next;     /* free, or older than */
  uint8_t header[HEADER], start[NONCE];
};

static int epoll, port, total = 1000, inflight = 16, keep, sources = 1, reset, addresses = 1;
static double limit = 120;
static struct peer *peers, *unused, *oldest, *newest;
static int count, started, finished, failed, refused, lost, underway, kept, pongs;
static double *latencies;
static struct frames version, answer, ping, hello;
static int listeners[MAX_ADDRESSES], stdin_mark;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
  fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* ---- SHA-256 (FIPS 180-4); the constants are the fractions of the roots of the first primes, computed at the start ---- */

static uint32_t K[64], H[8];

static uint32_t fraction(int prime, int cube) {
  /* The 32 bits behind the point of the root: the largest r with r^2 <= prime * 2^64, or r^3 <= prime * 2^96. */
  unsigned __int128 low = 0, high = (unsigned __int128)1 << 36;
  while (high - low > 1) {
    unsigned __int128 middle = (low + high) / 2;
    int above = cube ? middle * middle > (((unsigned __int128)prime << 96) - 1) / middle
                     : middle * middle > ((unsigned __int128)prime << 64);
    if (above) high = middle;
    else low = middle;
  }
  return (uint32_t)low;
}

static void sha256_constants(void) {
  for (int n = 0, prime = 2; n < 64; prime++) {
    int divisor = 2;
    while (divisor * divisor <= prime && prime % divisor) divisor++;
    if (divisor * divisor <= prime) continue;
    if (n < 8) H[n] = fraction(prime, 0);
    K[n++] = fraction(prime, 1);
  }
}

static uint32_t turn(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void sha256_block(uint32_t state[8], const uint8_t *block) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
  for (int i = 16; i < 64; i++)
    w[i] = w[i - 16] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
           (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t one = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
    uint32_t two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += one;
    s[0] = one + two;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

/* Of at most 119 bytes, which is all that is sent here. */
static void sha256(const uint8_t *data, size_t size, uint8_t out[32]) {
  uint8_t padded[128] = {0};
  uint32_t state[8];
  size_t blocks = size + 9 > 64 ? 2 : 1;
  memcpy(padded, data, size);
  padded[size] = 0x80;
  padded[64 * blocks - 2] = size * 8 >> 8;
  padded[64 * blocks - 1] = size * 8;
  memcpy(state, H, sizeof state);
  for (size_t i = 0; i < blocks; i++) sha256_block(state, padded + 64 * i);
  for (int i = 0; i < 32; i++) out[i] = state[i / 4] >> (24 - 8 * (i % 4));
}

/* ---- frames ---- */

static void append(struct frames *to, const char *command, const void *payload, uint32_t size) {
  uint8_t *frame = to->bytes + to->size, digest[32];
  memset(frame, 0, HEADER);
  memcpy(frame, MAGIC, sizeof MAGIC);
  memcpy(frame + 4, command, strlen(command));
  for (int i = 0; i < 4; i++) frame[16 + i] = size >> (8 * i);
  sha256(payload, size, digest);
  sha256(digest, sizeof digest, digest);
  memcpy(frame + 20, digest, 4);
  memcpy(frame + HEADER, payload, size);
  to->size += HEADER + size;
}

static void put(uint8_t **at, uint64_t value, int size) {
  for (; size > 0; size--, value >>= 8) *(*at)++ = value;
}

static void put_version(struct frames *to) {
  static const char agent[] = "/generator:1/";
  uint8_t payload[119] = {0}, *at = payload, nonce[NONCE];
  FILE *chance = fopen("/dev/urandom", "r");
  if (!chance || fread(nonce, sizeof nonce, 1, chance) != 1) fail("/dev/urandom");
  fclose(chance);
  put(&at, 70016, 4);
  put(&at, 0x409, 8);
  put(&at, time(0), 8);
  at += 26 + 26;
  memcpy(at, nonce, sizeof nonce);
  at += sizeof nonce;
  put(&at, sizeof agent - 1, 1);
  memcpy(at, agent, sizeof agent - 1);
  at += sizeof agent - 1;
  put(&at, 0, 4);
  put(&at, 1, 1);
  append(to, "version", payload, at - payload);
}

static void put_features(struct frames *to) {
  append(to, "wtxidrelay", "", 0);
  append(to, "sendaddrv2", "", 0);
  append(to, "verack", "", 0);
}

static void make_frames(void) {
  sha256_constants();
  put_version(&version);
  put_features(&answer);
  append(&ping, "ping", "measured", NONCE);
  hello = version;
  put_features(&hello);
}

/* ---- connections ---- */

static struct peer *take(int fd, enum stage stage) {
  struct peer *peer = unused;
  unused = peer->next;
  memset(peer, 0, sizeof *peer);
  peer->fd = fd;
  peer->stage = stage;
  peer->since = now();
  return peer;
}

static void give_back(struct peer *peer) {
  peer->fd = -1;
  peer->next = unused;
  unused = peer;
}

static void hang_up(struct peer *peer, int by_reset) {
  struct linger linger = {1, 0};
  if (by_reset) setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close(peer->fd);
  peer->fd = -1;
}

/* One that was kept stays in its queue, as an empty place, until its turn comes. */
static void drop(struct peer *peer) {
  enum stage stage = peer->stage;
  hang_up(peer, stage == ACCEPTED);
  if (stage == KEPT) {
    lost++;
    return;
  }
  if (stage != ACCEPTED) {
    failed++;
    underway--;
  }
  give_back(peer);
}

/* All frames are far smaller than an empty send buffer: one that does not take them is a peer that does not read. */
static void say(struct peer *peer, const struct frames *what) {
  if (send(peer->fd, what->bytes, what->size, MSG_NOSIGNAL) != (ssize_t)what->size) drop(peer);
}

static void release_oldest(void) {
  struct peer *peer = oldest;
  oldest = peer->next;
  kept--;
  if (peer->fd >= 0) hang_up(peer, reset);
  give_back(peer);
}

static void retain(struct peer *peer) {
  peer->stage = KEPT;
  peer->next = 0;
  if (kept++) newest->next = peer;
  else oldest = peer;
  newest = peer;
  if (kept > keep) release_oldest();
}

static void done(struct peer *peer) {
  latencies[finished++] = now() - peer->since;
  underway--;
  retain(peer);
}

static void pong(struct peer *peer) {
  if (peer->stage == PINGED) done(peer);
  else if (peer->stage == KEPT && peer->awaited) {
    peer->awaited = 0;
    latencies[pongs++] = now() - peer->since;
  }
}

static void message(struct peer *peer) {
  const char *command = (char *)peer->header + 4;
  if (!strncmp(command, "ping", 12)) {
    struct frames reply = {.size = 0};
    append(&reply, "pong", peer->start, NONCE);
    say(peer, &reply);
  } else if (!strncmp(command, "pong", 12)) {
    pong(peer);
  } else if (!strncmp(command, "version", 12)) {
    if (peer->stage == ACCEPTED) say(peer, &hello);
    else if (peer->stage == GREETED) {
      peer->stage = ANSWERED;
      say(peer, &answer);
    }
  } else if (!strncmp(command, "verack", 12) && peer->stage == ANSWERED) {
    peer->stage = PINGED;
    say(peer, &ping);
  }
}

static uint32_t length_of(const uint8_t *header) {
  return header[16] | header[17] << 8 | header[18] << 16 | (uint32_t)header[19] << 24;
}

/* Takes a piece of a header or of a payload; how much it took, 0 when the stream is no good. */
static size_t step(struct peer *peer, const uint8_t *bytes, size_t size) {
  size_t missing = peer->have < HEADER ? HEADER - peer->have : peer->left;
  size_t some = missing < size ? missing : size;
  if (peer->have < HEADER) {
    memcpy(peer->header + peer->have, bytes, some);
    peer->have += some;
    if (peer->have < HEADER) return some;
    if (memcmp(peer->header, MAGIC, sizeof MAGIC)) return 0;
    peer->left = length_of(peer->header);
    peer->held = 0;
  } else {
    for (size_t i = 0; i < some && peer->held < NONCE; i++) peer->start[peer->held++] = bytes[i];
    peer->left -= some;
  }
  if (peer->left == 0) {
    peer->have = 0;
    message(peer);
  }
  return some;
}

static void hear(struct peer *peer) {
  static uint8_t bytes[65536];
  ssize_t size = recv(peer->fd, bytes, sizeof bytes, 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) {
    drop(peer);
    return;
  }
  for (ssize_t at = 0; at < size && peer->fd >= 0;) {
    size_t taken = step(peer, bytes + at, size - at);
    if (!taken) drop(peer);
    at += taken;
  }
}

static void watch(int fd, uint32_t events, void *mark, int operation) {
  struct epoll_event event = {.events = events, .data.ptr = mark};
  if (epoll_ctl(epoll, operation, fd, &event)) fail("epoll_ctl");
}

static int open_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static struct sockaddr_in loopback(int subnet, int host, int at) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(at)};
  address.sin_addr.s_addr = htonl(0x7f000000 | subnet << 8 | host);
  return address;
}

/* With one port for each connection, not one for each address: the system chooses when it knows the other end. */
static void choose_source(int fd) {
  struct sockaddr_in source = loopback(1, 1 + started % sources, 0);
  int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind(fd, (void *)&source, sizeof source)) fail("bind");
}

static void dial(void) {
  struct sockaddr_in to = loopback(0, 1, port);
  int fd = open_socket();
  if (sources > 1) choose_source(fd);
  started++;
  if (connect(fd, (void *)&to, sizeof to) && errno != EINPROGRESS) {
    refused++;
    failed++;
    close(fd);
    return;
  }
  underway++;
  watch(fd, EPOLLIN | EPOLLOUT, take(fd, CONNECTING), EPOLL_CTL_ADD);
}

static void connected(struct peer *peer) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    refused++;
    drop(peer);
    return;
  }
  watch(peer->fd, EPOLLIN, peer, EPOLL_CTL_MOD);
  peer->stage = GREETED;
  say(peer, &version);
}

static void admit(int server) {
  int on = 1;
  for (int i = 0; i < 64; i++) {
    int fd = accept4(server, 0, 0, SOCK_NONBLOCK);
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (unused) watch(fd, EPOLLIN, take(fd, ACCEPTED), EPOLL_CTL_ADD);
    else close(fd);
  }
}

/* ---- running ---- */

static char command[64];

/* Takes a line from stdin; its end ends the program. */
static int read_command(void) {
  ssize_t size = read(0, command, sizeof command - 1);
  if (size <= 0) exit(0);
  command[size] = 0;
  return 1;
}

static int is_listener(const void *mark) {
  return (uintptr_t)mark - (uintptr_t)listeners < sizeof listeners;
}

/* Waits for events and takes them; whether somebody asked for something. */
static int serve(int milliseconds) {
  struct epoll_event events[EVENTS];
  int asked = 0, ready = epoll_wait(epoll, events, EVENTS, milliseconds);
  for (int i = 0; i < ready; i++) {
    void *mark = events[i].data.ptr;
    struct peer *peer = mark;
    if (mark == &stdin_mark) asked = read_command();
    else if (is_listener(mark)) admit(*(int *)mark);
    else if (peer->fd < 0) continue;
    else if (peer->stage == CONNECTING) connected(peer);
    else hear(peer);
  }
  return asked;
}

static void expire(void) {
  double before = now() - HANDSHAKE_LIMIT;
  for (int i = 0; i < count; i++)
    if (peers[i].fd >= 0 && peers[i].stage < KEPT && peers[i].since < before) drop(&peers[i]);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1e-6 * (used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* Percentiles in milliseconds, and the end of the line. */
static void tell_latencies(int size) {
  static const struct { const char *name; double at; } wanted[] = {{"p50", .5}, {"p95", .95}, {"p99", .99}, {"max", 1}};
  qsort(latencies, size, sizeof *latencies, ascending);
  for (int i = 0; i < 4; i++)
    printf(",\"%s\":%.4f", wanted[i].name, size ? 1e3 * latencies[(int)(wanted[i].at * (size - 1))] : 0);
  puts("}");
  fflush(stdout);
}

static void handshakes(void) {
  double began = now(), next = began + 1;
  while (finished + failed < total && now() - began < limit) {
    while (underway < inflight && started < total) {
      int before = underway;
      dial();
      if (underway == before) break;
    }
    serve(200);
    if (now() < next) continue;
    next = now() + 1;
    expire();
  }
  double seconds = now() - began;
  printf("{\"done\":%d,\"failed\":%d,\"refused\":%d,\"lost\":%d,\"open\":%d,\"seconds\":%.4f,\"persecond\":%.1f,\"cpu\":%.3f",
         finished, total - finished, refused, lost, kept - lost, seconds, finished / seconds, cpu_seconds());
  tell_latencies(finished);
}

static int ping_all(void) {
  int asked = 0;
  for (struct peer *peer = oldest; peer; peer = peer->next) {
    if (peer->fd < 0) continue;
    peer->awaited = 1;
    peer->since = now();
    asked++;
    say(peer, &ping);
    if (asked % 256 == 0) serve(0);
  }
  return asked;
}

static void round_of_pings(void) {
  double until = now() + PONG_LIMIT;
  pongs = 0;
  int asked = ping_all();
  while (pongs < asked && now() < until) serve(100);
  printf("{\"pings\":%d,\"pongs\":%d,\"lost\":%d", asked, pongs, lost);
  tell_latencies(pongs);
}

static void make_latencies(void) {
  free(latencies);
  latencies = calloc((total > keep ? total : keep) + 1, sizeof *latencies);
  if (!latencies) fail("memory");
}

static void obey(void) {
  if (!strncmp(command, "ping", 4)) round_of_pings();
  if (sscanf(command, "more %d", &total) != 1 || total < 1 || total > MAX_TOTAL) return;
  make_latencies();
  started = finished = failed = refused = 0;
  handshakes();
}

static void respond(void) {
  for (int i = 0; i < addresses; i++) {
    struct sockaddr_in at = loopback(0, 1 + i, port);
    int on = 1;
    listeners[i] = open_socket();
    setsockopt(listeners[i], SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listeners[i], (void *)&at, sizeof at) || listen(listeners[i], 1024)) fail("listen");
    watch(listeners[i], EPOLLIN, &listeners[i], EPOLL_CTL_ADD);
  }
  puts("{\"listening\":true}");
  fflush(stdout);
  for (;;) serve(-1);
}

static const struct option OPTIONS[] = {
    {"port", 1, 0, 'p'},  {"total", 1, 0, 'n'},   {"inflight", 1, 0, 'c'}, {"keep", 1, 0, 'k'},      {"sources", 1, 0, 's'},
    {"reset", 0, 0, 'r'}, {"seconds", 1, 0, 't'}, {"addresses", 1, 0, 'a'}, {0, 0, 0, 0}};

static int number(int low, int high) {
  char *end;
  long value = strtol(optarg, &end, 10);
  if (*end || value < low || value > high) {
    fprintf(stderr, "generator: %s is no number from %d to %d\n", optarg, low, high);
    exit(2);
  }
  return value;
}

static void read_options(int argc, char **argv) {
  for (int option; (option = getopt_long(argc, argv, "", OPTIONS, 0)) != -1;) switch (option) {
      case 'p': port = number(1, 65535); break;
      case 'n': total = number(1, MAX_TOTAL); break;
      case 'c': inflight = number(1, MAX_PEERS); break;
      case 'k': keep = number(0, MAX_PEERS); break;
      case 's': sources = number(1, MAX_ADDRESSES); break;
      case 'a': addresses = number(1, MAX_ADDRESSES); break;
      case 't': limit = number(1, 3600); break;
      case 'r': reset = 1; break;
      default: exit(2);
    }
}

static void make_room(void) {
  struct rlimit descriptors;
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  count = inflight + keep + 1;
  peers = calloc(count, sizeof *peers);
  if (!peers) fail("memory");
  make_latencies();
  for (int i = 0; i < count; i++) give_back(&peers[i]);
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(mode, "dial") && strcmp(mode, "respond")) {
    fprintf(stderr, "generator: dial or respond?\n");
    return 2;
  }
  read_options(argc - 1, argv + 1);
  make_frames();
  make_room();
  epoll = epoll_create1(0);
  watch(0, EPOLLIN, &stdin_mark, EPOLL_CTL_ADD);
  if (!strcmp(mode, "respond")) respond();
  handshakes();
  while (keep) if (serve(-1)) obey();
  return 0;
}
