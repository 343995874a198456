/* Calls to the system that fail, or end the process, at the n-th of their kind.

   Loaded with LD_PRELOAD. Only files and folders below FAULTS_ROOT count. Python arms it through
   ctypes: faults_arm(kinds, nth, error, lasting), where error 0 is SIGKILL, faults_disarm() and
   faults_count(kind).
   faults_hook(call) has it call back with the kind of each call, before it is made.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, RENAME = 4, SYNC = 8, TRUNCATE = 16, MAP = 32, MAKE = 64, REMOVE = 128 };

static char root[PATH_MAX];
static size_t root_length;
static int armed_kinds, armed_error, armed_lasting;
static long armed_nth, seen, counts[8];

void faults_arm(int kinds, long nth, int error, int lasting) {
    armed_kinds = kinds, armed_nth = nth, armed_error = error, armed_lasting = lasting, seen = 0;
    memset(counts, 0, sizeof counts);
    const char *given = getenv("FAULTS_ROOT");
    root_length = given ? strlen(given) : 0;
    if (root_length) memcpy(root, given, root_length + 1);
}

void faults_disarm(void) { armed_kinds = 0; }

long faults_count(int kind) { return counts[__builtin_ctz(kind)]; }

static int within(const char *path) {
    char whole[2 * PATH_MAX + 2];
    if (!root_length) return 0;
    if (path[0] != '/') {
        char here[PATH_MAX];
        if (!getcwd(here, sizeof here)) return 0;
        snprintf(whole, sizeof whole, "%s/%s", here, path);
        path = whole;
    }
    /* PyTorch makes a folder for code that it compiles when it is first used. */
    return strncmp(path, root, root_length) == 0 && !strstr(path, "/torchinductor_");
}

static int within_file(int file) {
    char link[64], path[PATH_MAX];
    if (!root_length || file < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0 || path[0] != '/') return 0; /* a pipe has no path */
    path[length] = 0;
    return within(path);
}

static void (*hook)(int kind);
static __thread int within_hook; /* whose own calls are none of the command's */

void faults_hook(void (*call)(int kind)) { hook = call; }

static int fails(int kind) {
    if (within_hook) return 0;
    if (hook) within_hook = 1, hook(kind), within_hook = 0;
    __atomic_add_fetch(&counts[__builtin_ctz(kind)], 1, __ATOMIC_SEQ_CST);
    if (!(armed_kinds & kind) || !armed_nth) return 0;
    long now = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
    if (!(now == armed_nth || (armed_lasting && now > armed_nth))) return 0;
    if (!armed_error) kill(getpid(), SIGKILL);
    errno = armed_error;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PATHS(kind, path) if (within(path) && fails(kind)) return -1
#define FILES(kind, file) if (within_file(file) && fails(kind)) return -1

#define OPENS(name, head, ...)                                   \
    int name head {                                              \
        mode_t mode = 0;                                         \
        if (flags & (O_CREAT | O_TMPFILE)) {                     \
            va_list rest;                                        \
            va_start(rest, flags);                               \
            mode = va_arg(rest, mode_t);                         \
            va_end(rest);                                        \
        }                                                        \
        PATHS(OPEN, path);                                       \
        return REAL(name)(__VA_ARGS__, flags, mode);             \
    }
OPENS(open, (const char *path, int flags, ...), path)
OPENS(open64, (const char *path, int flags, ...), path)
OPENS(openat, (int at, const char *path, int flags, ...), at, path)
OPENS(openat64, (int at, const char *path, int flags, ...), at, path)

ssize_t write(int f, const void *b, size_t n) { FILES(WRITE, f); return REAL(write)(f, b, n); }
ssize_t pwrite64(int f, const void *b, size_t n, off64_t o) { FILES(WRITE, f); return REAL(pwrite64)(f, b, n, o); }
ssize_t writev(int f, const struct iovec *v, int n) { FILES(WRITE, f); return REAL(writev)(f, v, n); }
ssize_t pwritev2(int f, const struct iovec *v, int n, off_t o, int flags) { FILES(WRITE, f); return REAL(pwritev2)(f, v, n, o, flags); }
ssize_t pwritev64v2(int f, const struct iovec *v, int n, off64_t o, int flags) { FILES(WRITE, f); return REAL(pwritev64v2)(f, v, n, o, flags); }
ssize_t sendfile64(int to, int from, off64_t *o, size_t n) { FILES(WRITE, to); return REAL(sendfile64)(to, from, o, n); }
ssize_t sendfile(int to, int from, off_t *o, size_t n) { FILES(WRITE, to); return REAL(sendfile)(to, from, o, n); }
int posix_fallocate64(int f, off64_t o, off64_t n) { if (within_file(f) && fails(TRUNCATE)) return errno; return REAL(posix_fallocate64)(f, o, n); }
int posix_fallocate(int f, off_t o, off_t n) { if (within_file(f) && fails(TRUNCATE)) return errno; return REAL(posix_fallocate)(f, o, n); }
int ftruncate64(int f, off64_t n) { FILES(TRUNCATE, f); return REAL(ftruncate64)(f, n); }
int ftruncate(int f, off_t n) { FILES(TRUNCATE, f); return REAL(ftruncate)(f, n); }
int truncate64(const char *p, off64_t n) { PATHS(TRUNCATE, p); return REAL(truncate64)(p, n); }
int fsync(int f) { FILES(SYNC, f); return REAL(fsync)(f); }
int fdatasync(int f) { FILES(SYNC, f); return REAL(fdatasync)(f); }
int rename(const char *a, const char *b) { PATHS(RENAME, b); return REAL(rename)(a, b); }
int renameat(int x, const char *a, int y, const char *b) { PATHS(RENAME, b); return REAL(renameat)(x, a, y, b); }
int renameat2(int x, const char *a, int y, const char *b, unsigned f) { PATHS(RENAME, b); return REAL(renameat2)(x, a, y, b, f); }
int mkdir(const char *p, mode_t m) { PATHS(MAKE, p); return REAL(mkdir)(p, m); }
int unlink(const char *p) { PATHS(REMOVE, p); return REAL(unlink)(p); }
int rmdir(const char *p) { PATHS(REMOVE, p); return REAL(rmdir)(p); }
int unlinkat(int at, const char *p, int f) { if ((p[0] == '/' ? within(p) : within_file(at)) && fails(REMOVE)) return -1; return REAL(unlinkat)(at, p, f); }

void *mmap(void *a, size_t n, int p, int m, int f, off_t o) {
    if (f >= 0 && within_file(f) && fails(MAP)) return MAP_FAILED;
    return REAL(mmap)(a, n, p, m, f, o);
}
void *mmap64(void *a, size_t n, int p, int m, int f, off64_t o) {
    if (f >= 0 && within_file(f) && fails(MAP)) return MAP_FAILED;
    return REAL(mmap64)(a, n, p, m, f, o);
}
