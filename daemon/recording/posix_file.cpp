#include "daemon/recording/posix_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "daemon/recording/file_access.hpp"

namespace thyrode::recording {
namespace {

/// A driver of the HDF5 library, in the manner of its own `sec2`.
struct Driver {
  struct File {
    H5FD_t base;  ///< the library's part, first
    int descriptor;
    haddr_t eoa;
    WriteGuard* guard;
  };

  /// What open_guarded() hands to open() through the library.
  struct Access {
    int descriptor;
    WriteGuard* guard;
  };

  static File& of(H5FD_t* file) { return *reinterpret_cast<File*>(file); }
  static const File& of(const H5FD_t* file) { return *reinterpret_cast<const File*>(file); }

  /// Puts a failed call on the library's stack of errors, with the words of the system.
  static herr_t failed(const char* call) {
    H5Epush2(H5E_DEFAULT, __FILE__, call, __LINE__, H5E_ERR_CLS, H5E_IO, H5E_WRITEERROR,
             "%s failed, error message = '%s'", call, std::strerror(errno));
    return -1;
  }

  static H5FD_t* open(const char*, unsigned, hid_t access, haddr_t) {
    const auto* told = static_cast<const Access*>(H5Pget_driver_info(access));
    if (told == nullptr) return nullptr;
    const int own = ::dup(told->descriptor);
    return own < 0 ? nullptr : &(new File{{}, own, 0, told->guard})->base;
  }
  static herr_t close(H5FD_t* file) {
    ::close(of(file).descriptor);
    delete &of(file);
    return 0;
  }
  static herr_t query(const H5FD_t*, unsigned long* flags) {
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_SUPPORTS_SWMR_IO | H5FD_FEAT_POSIX_COMPAT_HANDLE |
             H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
  }
  static haddr_t get_eoa(const H5FD_t* file, H5FD_mem_t) { return of(file).eoa; }
  static herr_t set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t eoa) {
    of(file).eoa = eoa;
    return 0;
  }
  static haddr_t get_eof(const H5FD_t* file, H5FD_mem_t) {
    return static_cast<haddr_t>(std::max<std::int64_t>(0, size_of_file(of(file).descriptor)));
  }
  static herr_t get_handle(H5FD_t* file, hid_t, void** handle) {
    *handle = &of(file).descriptor;
    return 0;
  }
  static herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t bytes, void* out) {
    const std::span<std::byte> all{static_cast<std::byte*>(out), bytes};
    const std::int64_t n = read_at(of(file).descriptor, static_cast<std::int64_t>(address), all);
    if (n < 0) return failed("read");
    std::fill(all.begin() + n, all.end(), std::byte{0});
    return 0;
  }
  /// Makes one change unless an earlier one was refused.
  template <class Change>
  static herr_t change(WriteGuard& guard, const char* call, Change&& body) {
    errno = guard.refused();
    if (errno == 0 && body()) return 0;
    if (errno == 0) errno = EIO;
    guard.refuse_all(errno);
    return failed(call);
  }
  static herr_t write(H5FD_t* file, H5FD_mem_t type, hid_t, haddr_t address, std::size_t bytes, const void* data) {
    File& to = of(file);
    if (to.guard->lets_go()) return 0;
    const auto offset = static_cast<std::int64_t>(address);
    const std::span<const std::byte> all{static_cast<const std::byte*>(data), bytes};
    return change(*to.guard, "write", [&] {
      return to.guard->before_write(to.descriptor, offset, all, type != H5FD_MEM_DRAW) &&
             write_at(to.descriptor, offset, all);
    });
  }
  static herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
    File& to = of(file);
    const auto size = static_cast<std::int64_t>(to.eoa);
    const std::int64_t before = size_of_file(to.descriptor);
    if (to.guard->lets_go() || size == before) return 0;
    return change(*to.guard, "truncate", [&] {
      return (size > before || to.guard->before_cut(to.descriptor, size)) && ::ftruncate(to.descriptor, size) == 0;
    });
  }
  static herr_t lock(H5FD_t* file, hbool_t exclusive) {
    const int kind = exclusive ? LOCK_EX : LOCK_SH;
    return ::flock(of(file).descriptor, kind | LOCK_NB) == 0 ? 0 : failed("lock");
  }
  static herr_t unlock(H5FD_t* file) { return ::flock(of(file).descriptor, LOCK_UN) == 0 ? 0 : failed("unlock"); }

  static hid_t id() {
    static const H5FD_class_t description = [] {
      H5FD_class_t driver{};
      driver.name = "thyrode";
      driver.maxaddr = static_cast<haddr_t>(INT64_MAX);
      driver.fc_degree = H5F_CLOSE_WEAK;
      driver.fapl_size = sizeof(Access);
      driver.open = open;
      driver.close = close;
      driver.query = query;
      driver.get_eoa = get_eoa;
      driver.set_eoa = set_eoa;
      driver.get_eof = get_eof;
      driver.get_handle = get_handle;
      driver.read = read;
      driver.write = write;
      driver.truncate = truncate;
      driver.lock = lock;
      driver.unlock = unlock;
      const H5FD_mem_t kinds[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
      std::copy(std::begin(kinds), std::end(kinds), driver.fl_map);
      return driver;
    }();
    static const hid_t registered = H5FDregister(&description);
    return registered;
  }
};

}  // namespace

Descriptor::Descriptor(const std::string& path, int flags) : id_{::open(path.c_str(), flags | O_CLOEXEC, 0666)} {}

Descriptor::~Descriptor() {
  if (id_ >= 0) ::close(id_);
}

std::int64_t read_at(int file, std::int64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(file, out.data() + done, out.size() - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return static_cast<std::int64_t>(done);
}

bool write_at(int file, std::int64_t offset, std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n =
        ::pwrite(file, bytes.data() + done, bytes.size() - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

std::int64_t size_of_file(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 ? status.st_size : -1;
}

bool lock_file(const Descriptor& file) {
  return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

h5::Handle open_guarded(const Descriptor& file, const std::string& path, bool create, WriteGuard& guard,
                        std::string& reason) {
  const h5::Handle access = access_properties();
  const Driver::Access told{file.get(), &guard};
  H5Pset_driver(access.get(), Driver::id(), &told);
  const h5::Handle creation{H5Pcreate(H5P_FILE_CREATE)};
  H5Pset_obj_track_times(creation.get(), false);
  h5::Handle opened{create ? H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get())
                           : H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get())};
  // Now: the library forgets it with the next call, which is that of a list of properties going.
  if (!opened) reason = h5::last_reason();
  return opened;
}

}  // namespace thyrode::recording
