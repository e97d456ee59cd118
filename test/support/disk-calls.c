/*
 * Preloaded into the engine, it sees every call that changes files of one folder, and every answer and request on a socket.
 *
 *   DISK_CALLS_UNDER   the folder, absolute; only files directly in it count
 *   DISK_CALLS_LOG     where each call is written down with its data, in order (disk-log.ts reads it)
 *   DISK_CALLS_FAULT   "ACTION CALL FILE N": at the N-th such call on such a file, once
 *                      ACTION  EIO | ENOSPC  the call fails and does nothing
 *                              LAST    as EIO, and the process is killed before it can do anything about it
 *                              KILL | KILLED the process ends (SIGKILL) before | after the call
 *                      CALL    write | sync | truncate | open | unlink, or answer | request for a socket (no EIO there)
 *                      FILE    its name, or * for any
 *                      It is told on stderr when it happens.
 *   DISK_CALLS_FROM    a file: calls count for DISK_CALLS_FAULT only once it is there
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC_BEGUN, SYNCED, TRUNCATE, CREATE, UNLINK, ANSWER, REQUEST, OPEN, SYNC_FAILED };
enum { MAX_FD = 65536, NAME = 48, SOCKET_BYTES = 4096 };

static char names[MAX_FD][NAME]; /* "" for what is not ours; "." is the folder itself */
static char under[4096];
static size_t under_length;
static int log_fd = -1;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

static struct { char action[8], call[12], file[NAME]; long n; } fault;
static long fault_seen;
static const char *from;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_unlink)(const char *);

static void resolve(void) {
  if (real_open != NULL) return;
  real_openat = dlsym(RTLD_NEXT, "openat");
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_open = dlsym(RTLD_NEXT, "open");
}

__attribute__((constructor)) static void start(void) {
  resolve();
  const char *folder = getenv("DISK_CALLS_UNDER");
  if (folder == NULL) return;
  snprintf(under, sizeof under, "%s/", folder);
  under_length = strlen(under);
  const char *wanted = getenv("DISK_CALLS_FAULT");
  if (wanted != NULL) sscanf(wanted, "%7s %11s %47s %ld", fault.action, fault.call, fault.file, &fault.n);
  from = getenv("DISK_CALLS_FROM");
  const char *path = getenv("DISK_CALLS_LOG");
  if (path == NULL) return;
  int fd = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  /* Out of the way of whoever counts descriptors. */
  log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
  real_close(fd);
}

struct record { uint32_t length; uint8_t kind, name_length; uint16_t zero; uint32_t thread, data_length; uint64_t offset; } __attribute__((packed));

/* With `order` held, or of a call that no other one competes with. */
static void note(int kind, const char *name, uint64_t offset, const void *data, size_t length) {
  if (log_fd < 0) return;
  struct record head = { sizeof head + strlen(name) + length, kind, strlen(name), 0, syscall(SYS_gettid), length, offset };
  struct iovec parts[] = { { &head, sizeof head }, { (void *)name, strlen(name) }, { (void *)data, length } };
  ssize_t written = real_writev(log_fd, parts, 3);
  if (written != (ssize_t)head.length) abort(); /* a log with holes proves nothing */
}

static const char *name_of(const char *path) {
  if (under_length == 0 || path == NULL) return NULL;
  if (strncmp(path, under, under_length - 1) != 0) return NULL;
  if (path[under_length - 1] == 0) return ".";
  if (path[under_length - 1] != '/') return NULL;
  const char *name = path + under_length;
  if (strchr(name, '/') != NULL || strlen(name) >= NAME) return NULL;
  /* Shared memory is mapped and made anew; locks, sockets and ballast hold nothing. */
  if (strstr(name, "-shm") != NULL || strstr(name, "-lock") != NULL || strstr(name, ".sock") != NULL || strstr(name, "ballast") != NULL) return NULL;
  return name;
}

/* Node may close a file past us (a system call of its own): the number then comes again as a socket. */
static const char *file_of(int fd) {
  if (fd < 0 || fd >= MAX_FD || names[fd][0] == 0) return NULL;
  struct stat now;
  if (fstat(fd, &now) == 0 && (S_ISREG(now.st_mode) || S_ISDIR(now.st_mode))) return names[fd];
  names[fd][0] = 0;
  return NULL;
}

/* 0, or an errno that the call is to fail with. `after` is set when the process is to end once the call is made. */
static int struck(const char *call, const char *name, int *after) {
  *after = 0;
  if (fault.n == 0 || strcmp(fault.call, call) != 0) return 0;
  if (fault.file[0] != '*' && strcmp(fault.file, name) != 0) return 0;
  if (from != NULL) {
    if (access(from, F_OK) != 0) return 0;
    from = NULL;
  }
  if (__atomic_add_fetch(&fault_seen, 1, __ATOMIC_SEQ_CST) != fault.n) return 0;
  static const char told[] = "disk-calls: now\n";
  real_write(2, told, sizeof told - 1);
  *after = strcmp(fault.action, "LAST") == 0;
  if (*after || strcmp(fault.action, "EIO") == 0) return EIO;
  if (strcmp(fault.action, "ENOSPC") == 0) return ENOSPC;
  if (strcmp(fault.action, "KILL") == 0) kill(getpid(), SIGKILL);
  *after = 1;
  return 0;
}

static void end_if(int after) { if (after) kill(getpid(), SIGKILL); }

static int opened(int fd, int existed) {
  if (fd < 0 || fd >= MAX_FD || under_length == 0) return fd;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return fd;
  path[length] = 0;
  const char *name = name_of(path);
  snprintf(names[fd], NAME, "%s", name == NULL ? "" : name);
  if (name == NULL) return fd;
  pthread_mutex_lock(&order);
  note(existed ? OPEN : CREATE, name, 0, "", 0);
  pthread_mutex_unlock(&order);
  return fd;
}

static int open_any(int at, const char *path, int flags, mode_t mode) {
  resolve();
  const char *name = name_of(path);
  int after = 0, existed = name == NULL || access(path, F_OK) == 0;
  if (name != NULL) {
    int error = struck("open", name, &after);
    if (error != 0) { errno = error; return -1; }
  }
  int fd = opened(real_openat(at, path, flags, mode), existed);
  end_if(after);
  return fd;
}

#define MODE(flags) mode_t mode = 0; if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_any(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_any(at, path, flags, mode); }

int close(int fd) {
  resolve();
  if (fd >= 0 && fd < MAX_FD) names[fd][0] = 0;
  return real_close(fd);
}

static ssize_t write_at(int fd, const char *name, const void *data, size_t length, off_t offset) {
  int after, error = struck("write", name, &after);
  if (error != 0) { errno = error; return -1; }
  pthread_mutex_lock(&order);
  ssize_t written = real_pwrite(fd, data, length, offset);
  if (written > 0) note(WRITE, name, offset, data, written);
  pthread_mutex_unlock(&order);
  end_if(after);
  return written;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
  resolve();
  const char *name = file_of(fd);
  return name == NULL ? real_pwrite(fd, data, length, offset) : write_at(fd, name, data, length, offset);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

static int socket_kind(const void *data, size_t length) {
  if (length > 10 && memcmp(data, "HTTP/1.1 2", 10) == 0) return ANSWER;
  if (length > 5 && memcmp(data, "POST ", 5) == 0) return REQUEST;
  return 0;
}

/* Noted before it is sent: whatever it promises must be on the disk by now. */
static void note_socket(int kind, const void *data, size_t length, int *after) {
  struck(kind == ANSWER ? "answer" : "request", "*", after);
  pthread_mutex_lock(&order);
  note(kind, "", 0, data, length > SOCKET_BYTES ? SOCKET_BYTES : length);
  pthread_mutex_unlock(&order);
}

ssize_t write(int fd, const void *data, size_t length) {
  resolve();
  const char *name = file_of(fd);
  if (name != NULL) {
    off_t at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    ssize_t written = write_at(fd, name, data, length, at);
    if (written > 0) lseek(fd, at + written, SEEK_SET);
    return written;
  }
  int after = 0, kind = under_length == 0 ? 0 : socket_kind(data, length);
  if (kind != 0) note_socket(kind, data, length, &after);
  ssize_t written = real_write(fd, data, length);
  end_if(after);
  return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  resolve();
  if (file_of(fd) != NULL) abort(); /* nobody does so yet; unseen it would blind the proof */
  int after = 0, kind = under_length == 0 || count < 1 ? 0 : socket_kind(parts[0].iov_base, parts[0].iov_len);
  if (kind != 0) {
    char head[SOCKET_BYTES];
    size_t length = 0;
    for (int i = 0; i < count && length < sizeof head; i++) {
      size_t part = parts[i].iov_len < sizeof head - length ? parts[i].iov_len : sizeof head - length;
      memcpy(head + length, parts[i].iov_base, part);
      length += part;
    }
    note_socket(kind, head, length, &after);
  }
  ssize_t written = real_writev(fd, parts, count);
  end_if(after);
  return written;
}

static int sync_with(int (*call)(int), int fd) {
  const char *name = file_of(fd);
  if (name == NULL) return call(fd);
  int after, error = struck("sync", name, &after);
  if (error != 0) {
    pthread_mutex_lock(&order);
    note(SYNC_FAILED, name, 0, "", 0);
    pthread_mutex_unlock(&order);
    end_if(after);
    errno = error;
    return -1;
  }
  pthread_mutex_lock(&order);
  note(SYNC_BEGUN, name, 0, "", 0);
  pthread_mutex_unlock(&order);
  int result = call(fd);
  if (result == 0) {
    pthread_mutex_lock(&order);
    note(SYNCED, name, 0, "", 0);
    pthread_mutex_unlock(&order);
  }
  end_if(after);
  return result;
}
int fsync(int fd) { resolve(); return sync_with(real_fsync, fd); }
int fdatasync(int fd) { resolve(); return sync_with(real_fdatasync, fd); }

int ftruncate64(int fd, off_t length) {
  resolve();
  const char *name = file_of(fd);
  if (name == NULL) return real_ftruncate(fd, length);
  int after, error = struck("truncate", name, &after);
  if (error != 0) { errno = error; return -1; }
  pthread_mutex_lock(&order);
  int result = real_ftruncate(fd, length);
  if (result == 0) note(TRUNCATE, name, length, "", 0);
  pthread_mutex_unlock(&order);
  end_if(after);
  return result;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
  resolve();
  const char *name = name_of(path);
  if (name == NULL) return real_unlink(path);
  int after, error = struck("unlink", name, &after);
  if (error != 0) { errno = error; return -1; }
  pthread_mutex_lock(&order);
  int result = real_unlink(path);
  if (result == 0) note(UNLINK, name, 0, "", 0);
  pthread_mutex_unlock(&order);
  end_if(after);
  return result;
}
