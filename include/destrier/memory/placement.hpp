// SPDX-License-Identifier: BSD-3-Clause
//
// memory/placement.hpp: which NUMA nodes are high-bandwidth memory, and how pages get there.
//
// The decision is a function of an hwloc topology and of where a thread runs; a `machine` is a topology on
// which it is carried out. What hwloc calls MCDRAM (Knights Landing) or HBM (Xeon Max) counts. hwloc has no
// name for the one kind of memory of a machine without another: such CPUs are known by theirs.
//
// Nothing here binds a thread. Pages are given a node before they are touched, by a preference and no more,
// for a strict binding to a node that is full gets the process killed. Whoever requires the node has the
// pages that went elsewhere moved there afterwards: that may fail, but does not kill.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#if defined(DESTRIER_HWLOC) && defined(__linux__)
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <hwloc.h>
#if HWLOC_API_VERSION < 0x00020800
#error                                                                                                  \
    "destrier needs hwloc 2.8, the first that names HBM, or a later one; without DESTRIER_HWLOC it does without"
#endif
#endif

namespace destrier::detail {

#if defined(DESTRIER_HWLOC) && defined(__linux__)

inline std::string_view info_of(hwloc_obj_t object, const char* name) {
    const char* const value = hwloc_obj_get_info_by_name(object, name);
    return value ? value : "";
}

// Whether this CPU has no other memory than its package's HBM. A Xeon Max has at most 64 GiB of that, and all it
// has is HBM unless it has more.
inline bool has_only_high_bandwidth(hwloc_obj_t package) {
    const std::string_view model = info_of(package, "CPUModel");
    const bool a64fx =
        info_of(package, "CPUImplementer") == "0x46" && info_of(package, "CPUPart") == "0x001";
    const bool mi300a = model.find("MI300A") != model.npos;
    const bool epyc_hbm = model.find("EPYC 9V64H") != model.npos;
    const bool xeon_max = model.find("CPU Max ") != model.npos;
    return a64fx || mi300a || epyc_hbm || (xeon_max && package->total_memory <= std::uint64_t{64} << 30);
}

inline bool is_high_bandwidth(hwloc_topology_t topology, hwloc_obj_t node) {
    const std::string_view kind = node->subtype ? node->subtype : "";
    if (!kind.empty()) return kind == "MCDRAM" || kind == "HBM";
    hwloc_obj_t package =
        hwloc_get_next_obj_covering_cpuset_by_type(topology, node->cpuset, HWLOC_OBJ_PACKAGE, nullptr);
    return has_only_high_bandwidth(package ? package : hwloc_get_root_obj(topology));
}

template <class F>
void for_each_node(hwloc_topology_t topology, F&& f) {
    hwloc_obj_t node = nullptr;
    while ((node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node))) f(node);
}

// The high-bandwidth node of these CPUs, the one with the fewest others where there are several; the first of
// all where they have none, and null where there is none.
inline hwloc_obj_t high_bandwidth_node(hwloc_topology_t topology, hwloc_const_cpuset_t cpus) {
    hwloc_obj_t best = nullptr;
    bool best_is_local = false;
    for_each_node(topology, [&](hwloc_obj_t node) {
        if (!is_high_bandwidth(topology, node)) return;
        const bool local = hwloc_bitmap_intersects(node->cpuset, cpus);
        const bool closer = local && (!best_is_local || hwloc_bitmap_weight(node->cpuset) <
                                                            hwloc_bitmap_weight(best->cpuset));
        if (!best || closer) {
            best = node;
            best_is_local = local;
        }
    });
    return best;
}

// "node 0 of 96 GiB, node 1 of 16 GiB MCDRAM"
inline std::string description_of(hwloc_topology_t topology) {
    std::string text;
    for_each_node(topology, [&](hwloc_obj_t node) {
        char gib[32];
        std::snprintf(gib, sizeof gib, "%.3g",
                      static_cast<double>(node->attr->numanode.local_memory) / (1u << 30));
        text += (text.empty() ? "node " : ", node ") + std::to_string(node->os_index) + " of " + gib +
                " GiB";
        if (node->subtype) text += std::string(" ") + node->subtype;
    });
    return text;
}

// This machine's, or null. Without visiting the CPUs, for which this thread would be bound to each. Caches and
// groups are not left out, though nobody looks at them: nodes hang on them.
inline hwloc_topology_t read_topology() {
    hwloc_topology_t topology = nullptr;
    if (hwloc_topology_init(&topology) != 0) return nullptr;
    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING);
    if (hwloc_topology_load(topology) == 0) return topology;
    hwloc_topology_destroy(topology);
    return nullptr;
}

class machine {
public:
    // Takes over the topology. Null, or one that is not this system's, is a machine of which nothing is known.
    explicit machine(hwloc_topology_t topology) : topology_(topology), nodes_(hwloc_bitmap_alloc()) {
        if (!is_known()) return;
        for_each_node(topology, [&](hwloc_obj_t node) {
            if (!is_high_bandwidth(topology, node)) return;
            capacity_ += node->attr->numanode.local_memory;
            hwloc_bitmap_set(nodes_.get(), node->os_index);
        });
    }

    // This one, read when it is first asked for: that takes milliseconds.
    static const machine& here() {
        static const machine read(read_topology());
        return read;
    }

    // The bytes of high-bandwidth memory in all.
    std::uint64_t capacity() const noexcept { return capacity_; }
    bool is_high_bandwidth_node(unsigned index) const noexcept {
        return hwloc_bitmap_isset(nodes_.get(), index) != 0;
    }

    // Has these pages taken from the node of the CPU that this thread runs on, as far as it has any.
    void prefer_near_caller(void* data, std::size_t bytes) const {
        const bitmap cpus(hwloc_bitmap_alloc());
        hwloc_get_last_cpu_location(topology_.get(), cpus.get(), HWLOC_CPUBIND_THREAD);
        bind(data, bytes, high_bandwidth_node(topology_.get(), cpus.get())->nodeset, 0);
    }

    // Moves there what of these pages was touched elsewhere; gives the error that hinders, or 0.
    int gather(void* data, std::size_t bytes) const {
        const int error = bind(data, bytes, nodes_.get(), HWLOC_MEMBIND_STRICT | HWLOC_MEMBIND_MIGRATE);
        // Only the preference is to last: what a child process copies may lie elsewhere.
        bind(data, bytes, nodes_.get(), 0);
        return error;
    }

    // What such an error says; EIO is the kernel's for pages that found no room.
    std::string hindrance(int error) const {
        if (error == EIO) return "which is full: " + description_of(topology_.get());
        return std::string("and the system does not bind pages: ") + std::strerror(error);
    }

    // Why there is not so much of it.
    std::string lack() const {
        if (!topology_) return "and hwloc cannot read this machine";
        if (!is_known()) {
            return "and hwloc was told of another machine (HWLOC_XMLFILE and the like without "
                   "HWLOC_THISSYSTEM=1)";
        }
        const std::string nodes = description_of(topology_.get());
        if (capacity_ > 0) return "of which there is less: " + nodes;
        return "and hwloc calls no node MCDRAM or HBM: " + nodes +
               "; Knights Landing and Xeon Max have such nodes in flat mode, not as a cache";
    }

private:
    struct release {
        void operator()(hwloc_topology_t topology) const { hwloc_topology_destroy(topology); }
        void operator()(hwloc_bitmap_t set) const { hwloc_bitmap_free(set); }
    };
    using bitmap = std::unique_ptr<std::remove_pointer_t<hwloc_bitmap_t>, release>;

    bool is_known() const { return topology_ && hwloc_topology_is_thissystem(topology_.get()); }

    int bind(void* data, std::size_t bytes, hwloc_const_nodeset_t nodes, int flags) const {
        const int failed = hwloc_set_area_membind(topology_.get(), data, bytes, nodes,
                                                  HWLOC_MEMBIND_BIND, flags | HWLOC_MEMBIND_BYNODESET);
        return failed ? errno : 0;
    }

    std::unique_ptr<std::remove_pointer_t<hwloc_topology_t>, release> topology_;
    bitmap nodes_;
    std::uint64_t capacity_ = 0;
};

#else

// Without hwloc no node is known to be high-bandwidth memory.
class machine {
public:
    static const machine& here() {
        static const machine unknown;
        return unknown;
    }
    std::uint64_t capacity() const noexcept { return 0; }
    bool is_high_bandwidth_node(unsigned) const noexcept { return false; }
    void prefer_near_caller(void*, std::size_t) const noexcept {}
    int gather(void*, std::size_t) const noexcept { return 0; }
    std::string hindrance(int) const { return lack(); }
    std::string lack() const {
        return "which is found by hwloc, and this program is compiled without (Debian: libhwloc-dev; "
               "then "
               "DESTRIER_USE_HWLOC in CMake, or -DDESTRIER_HWLOC and -lhwloc)";
    }
};

#endif

} // namespace destrier::detail
