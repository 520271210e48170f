/* A layer between Python and libc: counts the calls that change a watched directory, and kills the
 * process, fails the call or cuts a write short at a chosen one. Loaded with LD_PRELOAD, steered by
 * shim_arm() through ctypes. Only calls on paths, or descriptors of files, below the directory count. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, COUNT, KILL_BEFORE, KILL_AFTER, TORN, FAIL, FAIL_ON, SHORT };
enum { WRITES = 1, SYNCS = 2, NAMES = 4, SIZES = 8, CREATES = 16, OPENS = 32, REMOVES = 64, FILES = 128, OVERWRITES = 256 };

static char watched[PATH_MAX];
static size_t watched_length;
static int action = OFF, classes, failure;
static long at, count, tally[9];
static char last[PATH_MAX + 32];

void shim_arm(const char *directory, int what, int which, long number, int error) {
    snprintf(watched, sizeof watched, "%s", directory);
    watched_length = strlen(watched);
    action = what; classes = which; at = number; failure = error; count = 0; last[0] = 0;
    memset(tally, 0, sizeof tally);
}
long shim_count(void) { return count; }
long shim_tally(int bit) { return tally[bit]; }
const char *shim_last(void) { return last; }

static int inside(const char *path) {
    return !strncmp(path, watched, watched_length) && (path[watched_length] == '/' || !path[watched_length]);
}
static int inside_fd(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return inside(path);
}
static int inside_at(int dir, const char *path) {
    char here[PATH_MAX];
    if (path[0] == '/') return inside(path);
    if (dir != AT_FDCWD) return inside_fd(dir);
    return getcwd(here, sizeof here) && inside(here);
}
/* Returns 0 to go on, 1 to fail with `failure`, 2 to write half, 3 to write half and die. */
static int met(int class, const char *name) {
    int saved = errno;
    if (action == OFF || !(class & classes)) return 0;
    count++;
    for (int bit = 0; bit < 9; bit++) if (class >> bit & 1) tally[bit]++;
    if (count == at) snprintf(last, sizeof last, "%s", name);
    errno = saved;
    if (action == FAIL_ON && count >= at) return 1;
    if (count != at) return 0;
    switch (action) {
        case KILL_BEFORE: kill(getpid(), SIGKILL); break;
        case TORN: return class & (WRITES | OVERWRITES) ? 3 : 0;
        case FAIL: return 1;
        case SHORT: return class & (WRITES | OVERWRITES) ? 2 : 0;
    }
    return 0;
}
static void after(int counted) { if (counted && action == KILL_AFTER && count == at) kill(getpid(), SIGKILL); }

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define GUARD(class, where, name) \
    int counted = action != OFF && (where); \
    int fate = counted ? met(class, name) : 0; \
    if (fate == 1) { errno = failure; return -1; }
#define DONE(type, call) type result = (call); int kept = errno; after(counted && (classes & this)); errno = kept; return result

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write); enum { this = WRITES }; GUARD(this, inside_fd(fd), "write");
    if (fate >= 2 && size > 1) size /= 2;
    ssize_t result = real(fd, data, size);
    if (fate == 3) kill(getpid(), SIGKILL);
    int kept = errno; after(counted && (classes & this)); errno = kept; return result;
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    REAL(pwrite64); enum { this = OVERWRITES }; GUARD(this, inside_fd(fd), "pwrite");
    if (fate >= 2 && size > 1) size /= 2;
    ssize_t result = real(fd, data, size, offset);
    if (fate == 3) kill(getpid(), SIGKILL);
    int kept = errno; after(counted && (classes & this)); errno = kept; return result;
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }
/* Of these a cut one ends within its first part, which is how the kernel may end it. */
ssize_t writev(int fd, const struct iovec *parts, int number) {
    REAL(writev); enum { this = WRITES }; GUARD(this, inside_fd(fd), "writev");
    struct iovec first = parts[0];
    if (fate >= 2 && first.iov_len > 1) { first.iov_len /= 2; parts = &first; number = 1; }
    ssize_t result = real(fd, parts, number);
    if (fate == 3) kill(getpid(), SIGKILL);
    int kept = errno; after(counted && (classes & this)); errno = kept; return result;
}
ssize_t pwritev64(int fd, const struct iovec *parts, int number, off64_t offset) {
    REAL(pwritev64); enum { this = OVERWRITES }; GUARD(this, inside_fd(fd), "pwritev");
    struct iovec first = parts[0];
    if (fate >= 2 && first.iov_len > 1) { first.iov_len /= 2; parts = &first; number = 1; }
    ssize_t result = real(fd, parts, number, offset);
    if (fate == 3) kill(getpid(), SIGKILL);
    int kept = errno; after(counted && (classes & this)); errno = kept; return result;
}
ssize_t pwritev(int fd, const struct iovec *parts, int number, off_t offset) { return pwritev64(fd, parts, number, offset); }
int fsync(int fd) { REAL(fsync); enum { this = SYNCS }; GUARD(this, inside_fd(fd), "fsync"); DONE(int, real(fd)); }
int fdatasync(int fd) { REAL(fdatasync); enum { this = SYNCS }; GUARD(this, inside_fd(fd), "fdatasync"); DONE(int, real(fd)); }
int rename(const char *a, const char *b) {
    REAL(rename); enum { this = NAMES }; GUARD(this, inside_at(AT_FDCWD, a), "rename"); DONE(int, real(a, b)); }
int renameat(int d, const char *a, int e, const char *b) {
    REAL(renameat); enum { this = NAMES }; GUARD(this, inside_at(d, a), "renameat"); DONE(int, real(d, a, e, b)); }
int renameat2(int d, const char *a, int e, const char *b, unsigned int flags) {
    REAL(renameat2); enum { this = NAMES }; GUARD(this, inside_at(d, a), "renameat2"); DONE(int, real(d, a, e, b, flags)); }
int unlink(const char *p) { REAL(unlink); enum { this = REMOVES }; GUARD(this, inside_at(AT_FDCWD, p), "unlink"); DONE(int, real(p)); }
int unlinkat(int d, const char *p, int flags) {
    REAL(unlinkat); enum { this = REMOVES }; GUARD(this, inside_at(d, p), "unlinkat"); DONE(int, real(d, p, flags)); }
int rmdir(const char *p) { REAL(rmdir); enum { this = REMOVES }; GUARD(this, inside_at(AT_FDCWD, p), "rmdir"); DONE(int, real(p)); }
int mkdir(const char *p, mode_t mode) {
    REAL(mkdir); enum { this = CREATES }; GUARD(this, inside_at(AT_FDCWD, p), "mkdir"); DONE(int, real(p, mode)); }
int mkdirat(int d, const char *p, mode_t mode) {
    REAL(mkdirat); enum { this = CREATES }; GUARD(this, inside_at(d, p), "mkdirat"); DONE(int, real(d, p, mode)); }
int link(const char *a, const char *b) { REAL(link); enum { this = CREATES }; GUARD(this, inside_at(AT_FDCWD, b), "link"); DONE(int, real(a, b)); }
int linkat(int d, const char *a, int e, const char *b, int flags) {
    REAL(linkat); enum { this = CREATES }; GUARD(this, inside_at(e, b), "linkat"); DONE(int, real(d, a, e, b, flags)); }
int symlink(const char *a, const char *b) { REAL(symlink); enum { this = CREATES }; GUARD(this, inside_at(AT_FDCWD, b), "symlink"); DONE(int, real(a, b)); }
int symlinkat(const char *a, int d, const char *b) {
    REAL(symlinkat); enum { this = CREATES }; GUARD(this, inside_at(d, b), "symlinkat"); DONE(int, real(a, d, b)); }
int ftruncate64(int fd, off64_t size) { REAL(ftruncate64); enum { this = SIZES }; GUARD(this, inside_fd(fd), "ftruncate"); DONE(int, real(fd, size)); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int truncate64(const char *p, off64_t size) { REAL(truncate64); enum { this = SIZES }; GUARD(this, inside_at(AT_FDCWD, p), "truncate"); DONE(int, real(p, size)); }
int truncate(const char *p, off_t size) { return truncate64(p, size); }
int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
    REAL(fallocate64); enum { this = SIZES }; GUARD(this, inside_fd(fd), "fallocate"); DONE(int, real(fd, mode, offset, size)); }
int fallocate(int fd, int mode, off_t offset, off_t size) { return fallocate64(fd, mode, offset, size); }
int posix_fallocate64(int fd, off64_t offset, off64_t size) {
    REAL(posix_fallocate64); enum { this = SIZES };
    int counted = action != OFF && inside_fd(fd);
    if (counted && met(this, "fallocate") == 1) return failure;
    DONE(int, real(fd, offset, size));
}
int posix_fallocate(int fd, off_t offset, off_t size) { return posix_fallocate64(fd, offset, size); }

#define OPENED(call, where, flags, label) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
    int creates = ((flags) & (O_CREAT | O_TRUNC)) != 0; \
    int counted = action != OFF && (where); \
    if (counted && met(creates ? FILES : OPENS, label) == 1) { errno = failure; return -1; } \
    int result = (call); int kept = errno; after(counted && (classes & (creates ? FILES : OPENS))); errno = kept; return result
int open64(const char *p, int flags, ...) { REAL(open64); OPENED(real(p, flags, mode), inside_at(AT_FDCWD, p), flags, "open"); }
int open(const char *p, int flags, ...) { REAL(open); OPENED(real(p, flags, mode), inside_at(AT_FDCWD, p), flags, "open"); }
int openat64(int d, const char *p, int flags, ...) { REAL(openat64); OPENED(real(d, p, flags, mode), inside_at(d, p), flags, "openat"); }
int openat(int d, const char *p, int flags, ...) { REAL(openat); OPENED(real(d, p, flags, mode), inside_at(d, p), flags, "openat"); }
/* Looking into a directory takes a descriptor too. */
DIR *opendir(const char *p) {
    REAL(opendir);
    if (action != OFF && inside_at(AT_FDCWD, p) && met(OPENS, "opendir") == 1) { errno = failure; return NULL; }
    return real(p);
}
