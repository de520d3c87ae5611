// SPDX-License-Identifier: BSD-3-Clause
//
// Which node a buffer is given is asked of topologies that are not here: those of topologies/ are as hwloc
// writes them, with few CPUs a node. Where pages then lie is asked of the kernel, not of hwloc.
#include "reference.hpp"

#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>

#include <destrier/memory.hpp>

using namespace destrier;

namespace {

constexpr memory prefer{.placement = placement::prefer_high_bandwidth};
constexpr memory require{.placement = placement::require_high_bandwidth};

} // namespace

TEST_CASE("what lies anywhere does not ask for the machine", "[placement]") {
    const auto not_to_be_asked = []() -> const detail::machine& { throw std::logic_error("asked"); };
    CHECK_NOTHROW(detail::allocation(1000, {}, 1, not_to_be_asked));
    CHECK_THROWS_AS(detail::allocation(1000, prefer, 1, not_to_be_asked), std::logic_error);
    const buffer<char> b(1000);
    CHECK(b.placement() == placement::anywhere);
    CHECK(b.high_bandwidth_bytes() == 0);
}

TEST_CASE("what is preferred can always be had, and a buffer of nothing too", "[placement]") {
    buffer<int> b(100000, prefer, 2);
    CHECK(std::all_of(b.begin(), b.end(), [](int v) { return v == 0; }));
    CHECK((b.placement() == placement::anywhere || b.high_bandwidth_bytes() >= b.size() * sizeof(int)));
    CHECK(buffer<int>(0, require).empty());
}

#if !defined(DESTRIER_HWLOC)

TEST_CASE("without hwloc, what is required is an error that names the package", "[placement]") {
    const std::string text =
        reference::message_of<no_high_bandwidth_memory>([] { buffer<char> b(1000, require); });
    CHECK_THAT(text,
               reference::ContainsSubstring("a buffer of 1000 bytes requires high-bandwidth memory"));
    CHECK_THAT(text, reference::ContainsSubstring("libhwloc-dev"));
    CHECK(detail::machine::here().capacity() == 0);
    std::cout << "skipped: the tests of placement need hwloc (libhwloc-dev, pkgconf)\n";
}

#else

#include <cstdlib>
#include <cstring>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using topology =
    std::unique_ptr<std::remove_pointer_t<hwloc_topology_t>, decltype(&hwloc_topology_destroy)>;

void call_nodes(hwloc_topology_t t, const std::vector<std::string>& kinds) {
    std::size_t k = 0;
    detail::for_each_node(t, [&](hwloc_obj_t node) {
        const std::string& kind = kinds[k++ % kinds.size()];
        std::free(node->subtype);
        node->subtype = kind.empty() ? nullptr : ::strdup(kind.c_str());
    });
}

using infos = std::vector<std::pair<const char*, const char*>>;

// Nodes are called by these kinds in turn; the infos are each package's.
topology synthetic(const std::string& text, const std::vector<std::string>& kinds = {""},
                   const infos& package_infos = {}, unsigned long flags = 0) {
    hwloc_topology_t t = nullptr;
    hwloc_topology_init(&t);
    hwloc_topology_set_flags(t, flags);
    REQUIRE(hwloc_topology_set_synthetic(t, text.c_str()) == 0);
    REQUIRE(hwloc_topology_load(t) == 0);
    call_nodes(t, kinds);
    hwloc_obj_t package = nullptr;
    while ((package = hwloc_get_next_obj_by_type(t, HWLOC_OBJ_PACKAGE, package))) {
        for (const auto& [name, value] : package_infos) hwloc_obj_add_info(package, name, value);
    }
    return {t, &hwloc_topology_destroy};
}

// A variable of the environment, for as long as this lives.
class variable {
public:
    variable(const char* name, const std::string& value) : name_(name) {
        if (const char* const old = std::getenv(name)) old_ = old;
        ::setenv(name, value.c_str(), 1);
    }
    ~variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
    variable(const variable&) = delete;
    variable& operator=(const variable&) = delete;

private:
    const char* name_;
    std::optional<std::string> old_;
};

// As the library reads its own machine, where the environment tells hwloc of another, or that this one is so.
topology from_file(const std::string& name, const char* is_this_system = "0") {
    const variable file("HWLOC_XMLFILE", DESTRIER_TEST_TOPOLOGIES "/" + name);
    const variable whose("HWLOC_THISSYSTEM", is_this_system);
    hwloc_topology_t t = detail::read_topology();
    REQUIRE(t);
    return {t, &hwloc_topology_destroy};
}

std::string gib(std::size_t n) { return std::to_string(n << 30); }

constexpr int none = -1;

// The node chosen for a thread on each of the CPUs; `none` where there is none.
std::vector<int> chosen(const topology& t) {
    std::vector<int> nodes;
    hwloc_obj_t cpu = nullptr;
    while ((cpu = hwloc_get_next_obj_by_type(t.get(), HWLOC_OBJ_PU, cpu))) {
        hwloc_obj_t node = detail::high_bandwidth_node(t.get(), cpu->cpuset);
        nodes.push_back(node ? static_cast<int>(node->os_index) : none);
    }
    return nodes;
}

using nodes = std::vector<int>;

} // namespace

TEST_CASE("Knights Landing: MCDRAM in flat mode, the local quarter of it under SNC-4", "[placement]") {
    const topology quadrant = from_file("knl_flat_quadrant.xml");
    CHECK(chosen(quadrant) == nodes{1, 1, 1, 1});
    CHECK(detail::description_of(quadrant.get()) == "node 0 of 96 GiB, node 1 of 16 GiB MCDRAM");
    CHECK(chosen(from_file("knl_flat_snc4.xml")) == nodes{4, 4, 5, 5, 6, 6, 7, 7});
    const std::string memories = "[numa(memory=" + gib(96) + ")] [numa(memory=" + gib(16) + ")] ";
    CHECK(chosen(synthetic("pack:1 " + memories + "l2:34 core:2 pu:4", {"", "MCDRAM"})) ==
          nodes(272, 1));
}

TEST_CASE("Knights Landing: behind MCDRAM as a cache, no node is high-bandwidth memory", "[placement]") {
    const infos knl{{"CPUModel", "Intel(R) Xeon Phi(TM) CPU 7250 @ 1.40GHz"}};
    CHECK(chosen(synthetic("pack:1 [numa(memory=" + gib(96) + ")] core:4 pu:1", {""}, knl)) ==
          nodes(4, none));
    CHECK(chosen(synthetic("pack:1 group:4 [numa(memory=" + gib(24) + ")] core:1 pu:1", {""}, knl)) ==
          nodes(4, none));
}

TEST_CASE("Xeon Max: HBM in flat mode, of the same socket and quarter", "[placement]") {
    const std::string memories = "[numa(memory=" + gib(256) + ")] [numa(memory=" + gib(64) + ")] ";
    for (const char* ddr : {"", "DRAM"}) {
        CHECK(chosen(synthetic("pack:2 " + memories + "core:2 pu:1", {ddr, "HBM"})) ==
              nodes{1, 1, 3, 3});
    }
    CHECK(chosen(from_file("xeon_max_flat_snc4.xml")) == nodes{8, 9, 10, 11, 12, 13, 14, 15});
}

TEST_CASE("Xeon Max: without DDR all memory is HBM, with DDR behind it none", "[placement]") {
    CHECK(chosen(from_file("xeon_max_hbm_only_snc4.xml")) == nodes{0, 1, 2, 3, 4, 5, 6, 7});
    // As the kernel and as the CPU itself spell it.
    for (const char* model : {"Intel(R) Xeon(R) CPU Max 9480", "Intel (R) Xeon (R) CPU Max 9460"}) {
        const infos max{{"CPUModel", model}};
        CHECK(chosen(synthetic("pack:2 [numa(memory=" + gib(64) + ")] core:1 pu:1", {""}, max)) ==
              nodes{0, 1});
        CHECK(chosen(synthetic("pack:2 [numa(memory=" + gib(128) + ")] core:1 pu:1", {""}, max)) ==
              nodes{none, none});
    }
}

TEST_CASE("CPUs that are made without other memory than HBM have it", "[placement]") {
    const infos cpus[] = {{{"CPUImplementer", "0x46"}, {"CPUPart", "0x001"}},
                          {{"CPUModel", "AMD EPYC 9V64H 88-Core Processor"}},
                          {{"CPUModel", "AMD Instinct MI300A Accelerator"}}};
    for (const infos& cpu : cpus) {
        CHECK(chosen(synthetic("pack:1 group:4 [numa(memory=" + gib(120) + ")] core:1 pu:1", {""},
                               cpu)) == nodes{0, 1, 2, 3});
    }
    CHECK(chosen(synthetic("pack:1 core:1 pu:1", {""},
                           {{"CPUImplementer", "0x41"}, {"CPUPart", "0x001"}})) == nodes{none});
}

TEST_CASE("the memory of a GPU is none of ours, nor that of other kinds and ordinary machines",
          "[placement]") {
    const std::string memories = "[numa(memory=" + gib(480) + ")] [numa(memory=" + gib(96) + ")] ";
    for (const char* kind : {"GPUMemory", "NVM", "SPM", "CXL-DRAM", "DRAM", ""}) {
        CHECK(chosen(synthetic("pack:2 " + memories + "core:1 pu:1", {"", kind})) == nodes{none, none});
    }
    const topology two = synthetic("pack:2 [numa(memory=" + gib(96) + ")] core:2 pu:1", {""},
                                   {{"CPUModel", "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz"}});
    CHECK(chosen(two) == nodes(4, none));
    CHECK(chosen(synthetic("pack:1 " + memories + "[numa(memory=" + gib(64) + ")] core:1 pu:1",
                           {"", "GPUMemory", "HBM"})) == nodes{2});
}

TEST_CASE("far high-bandwidth memory is better than none, near is better than shared", "[placement]") {
    const std::string text = "pack:2 [numa(memory=" + gib(64) + ")] core:1 pu:1";
    CHECK(chosen(synthetic(text, {"DRAM", "HBM"})) == nodes{1, 1});
    const topology shared = synthetic("[numa] pack:2 [numa] core:1 pu:1", {"HBM"});
    const nodes each = chosen(shared);
    CHECK(each.size() == 2);
    CHECK(each[0] != each[1]);
}

namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

// This machine as it would be if hwloc called all its nodes HBM.
const detail::machine& all_is_hbm() {
    static const detail::machine m([] {
        hwloc_topology_t t = detail::read_topology();
        call_nodes(t, {"HBM"});
        return t;
    }());
    return m;
}

// A machine that has HBM only of a node that the kernel does not know: binding pages to it fails.
const detail::machine& hbm_is_not_there() {
    static const detail::machine m([] {
        std::vector<std::string> kinds(64);
        kinds.back() = "HBM";
        return synthetic("numa:64(memory=1073741824) pu:1", kinds, {}, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM)
            .release();
    }());
    return m;
}

struct policy {
    int mode;
    unsigned long nodes[16];
    bool operator==(const policy&) const = default;
};

// The kernel's policy for the page at this address, or, for null, for this thread.
policy policy_of(const void* address) {
    policy p{};
    const unsigned long by_address = 2; // MPOL_F_ADDR
    REQUIRE(::syscall(SYS_get_mempolicy, &p.mode, p.nodes, sizeof p.nodes * 8, address,
                      address ? by_address : 0ul) == 0);
    return p;
}

// How many bytes lie on which node, as move_pages tells.
std::vector<std::size_t> bytes_by_node(void* data, std::size_t bytes) {
    const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<void*> pages;
    for (std::size_t i = 0; i < bytes; i += page) pages.push_back(static_cast<char*>(data) + i);
    std::vector<int> node(pages.size(), -1);
    REQUIRE(::syscall(SYS_move_pages, 0, pages.size(), pages.data(), nullptr, node.data(), 0) == 0);
    std::vector<std::size_t> count(1024);
    for (const int n : node) {
        REQUIRE(n >= 0);
        count[static_cast<std::size_t>(n)] += page;
    }
    return count;
}

bool pages_can_be_bound() {
    detail::allocation a(100, prefer, 1, all_is_hbm);
    static_cast<char*>(a.data())[0] = 1;
    if (a.placement() == placement::prefer_high_bandwidth) return true;
    std::cout << "skipped: the system does not let pages be bound (containers need CAP_SYS_NICE)\n";
    return false;
}

} // namespace

TEST_CASE("pages lie where they are asked for, by the kernel's account", "[placement]") {
    if (!pages_can_be_bound()) return;
    const int preferred = 1, preferred_many = 5; // MPOL_*
    for (const auto wanted : {placement::prefer_high_bandwidth, placement::require_high_bandwidth}) {
        for (const auto kind : {pages::base, pages::transparent, pages::huge}) {
            for (const std::size_t bytes : {std::size_t{1}, std::size_t{5000}, huge_page - 1, huge_page,
                                            5 * huge_page + 1, 32 * huge_page}) {
                for (const int threads : {1, 3}) {
                    detail::allocation a(bytes, {.pages = kind, .placement = wanted}, threads,
                                         all_is_hbm);
                    std::memset(a.data(), 1, bytes);
                    REQUIRE_NOTHROW(a.settle());
                    REQUIRE(a.placement() == wanted);
                    const std::size_t there = a.high_bandwidth_bytes();
                    REQUIRE(there >= bytes);
                    REQUIRE(there < bytes + 2 * huge_page);
                    const auto count = bytes_by_node(a.data(), bytes);
                    for (unsigned n = 0; n < count.size(); ++n) {
                        REQUIRE((count[n] == 0 || all_is_hbm().is_high_bandwidth_node(n)));
                    }
                    const policy p = policy_of(a.data());
                    REQUIRE((p.mode == preferred || p.mode == preferred_many));
                    REQUIRE(p.nodes[0] != 0);
                    REQUIRE(reinterpret_cast<std::uintptr_t>(a.data()) %
                                (bytes >= huge_page && kind != pages::base ? huge_page : 64) ==
                            0);
                }
            }
        }
    }
}

TEST_CASE("a machine without other memory than HBM has what is required, and says so", "[placement]") {
    if (!pages_can_be_bound()) return;
    static const detail::machine m(from_file("xeon_max_hbm_only_snc4.xml", "1").release());
    CHECK(m.capacity() == std::uint64_t{128} << 30);
    detail::allocation a(3 * huge_page, require, 2, []() -> const detail::machine& { return m; });
    std::memset(a.data(), 1, 3 * huge_page);
    CHECK_NOTHROW(a.settle());
    CHECK(a.placement() == placement::require_high_bandwidth);
    CHECK(a.high_bandwidth_bytes() == 3 * huge_page);
}

TEST_CASE("a placed allocation keeps its account when it moves, and stays apart from its neighbours",
          "[placement]") {
    if (!pages_can_be_bound()) return;
    std::vector<detail::allocation> many;
    for (int k = 0; k < 8; ++k) {
        many.emplace_back(3 * huge_page, prefer, 2, all_is_hbm);
        if (k % 2 == 0) std::memset(many.back().data(), 1, 3 * huge_page);
    }
    for (std::size_t k = 0; k < many.size(); ++k) {
        const std::size_t touched = k % 2 == 0 ? 3 * huge_page : 0;
        CHECK(many[k].high_bandwidth_bytes() == touched);
        CHECK(many[k].placement() == (touched ? placement::prefer_high_bandwidth : placement::anywhere));
    }
    detail::allocation moved(std::move(many[0]));
    CHECK(moved.high_bandwidth_bytes() == 3 * huge_page);
    CHECK(many[0].high_bandwidth_bytes() == 0);
    CHECK(many[0].data() == nullptr);
    CHECK(many[0].placement() == placement::anywhere);
}

TEST_CASE("what cannot be bound lies anywhere, or is an error where it is required", "[placement]") {
    for (const std::size_t bytes : {std::size_t{100}, 3 * huge_page}) {
        detail::allocation preferred(bytes, prefer, 2, hbm_is_not_there);
        std::memset(preferred.data(), 1, bytes);
        CHECK_NOTHROW(preferred.settle());
        CHECK(preferred.placement() == placement::anywhere);
        CHECK(preferred.high_bandwidth_bytes() == 0);

        detail::allocation required(bytes, require, 2, hbm_is_not_there);
        std::memset(required.data(), 1, bytes);
        CHECK(reference::message_of<no_high_bandwidth_memory>([&] { required.settle(); }) ==
              "destrier: a buffer of " + std::to_string(bytes) +
                  " bytes requires high-bandwidth memory, and the system does not bind pages: Invalid "
                  "argument; placement::prefer_high_bandwidth takes what there is");
    }
}

TEST_CASE("what is required and does not lie there is refused, whatever the kernel said",
          "[placement]") {
    if (!pages_can_be_bound()) return;
    detail::allocation untouched(5 * huge_page, require, 1, all_is_hbm);
    CHECK_THAT(reference::message_of<no_high_bandwidth_memory>([&] { untouched.settle(); }),
               reference::ContainsSubstring("high-bandwidth memory, which is full: node "));
}

TEST_CASE("more than there is is refused before any of it is touched", "[placement]") {
    const auto ask = [] {
        detail::allocation a((std::size_t{1} << 30) + 1, require, 1, hbm_is_not_there);
    };
    const std::string text = reference::message_of<no_high_bandwidth_memory>(ask);
    CHECK_THAT(text,
               reference::ContainsSubstring(
                   "a buffer of 1073741825 bytes requires high-bandwidth memory, of which there is "
                   "less: node 0 of 1 GiB, node 1 of 1 GiB, "));
    CHECK_THAT(text, reference::ContainsSubstring("node 63 of 1 GiB HBM; placement::prefer_high"));
    CHECK_THROWS_AS(ask(), out_of_memory);
    CHECK_THROWS_AS(ask(), std::bad_alloc);
}

TEST_CASE("what is required on a machine without is an error that lists its nodes", "[placement]") {
    static const detail::machine m(
        synthetic("pack:2 [numa(memory=" + gib(480) + ")] [numa(memory=" + gib(96) + ")] core:1 pu:1",
                  {"", "GPUMemory"}, {}, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM)
            .release());
    const auto grace_hopper = []() -> const detail::machine& { return m; };
    CHECK(reference::message_of<no_high_bandwidth_memory>([&] {
              detail::allocation a(4096, require, 1, grace_hopper);
          }) == "destrier: a buffer of 4096 bytes requires high-bandwidth memory, and hwloc calls no "
                "node MCDRAM or "
                "HBM: node 0 of 480 GiB, node 1 of 96 GiB GPUMemory, node 2 of 480 GiB, node 3 of 96 "
                "GiB GPUMemory; "
                "Knights Landing and Xeon Max have such nodes in flat mode, not as a cache; "
                "placement::prefer_high_bandwidth takes what there is");
    CHECK(detail::allocation(4096, prefer, 1, grace_hopper).placement() == placement::anywhere);
}

TEST_CASE("a topology of another machine says nothing of this one", "[placement]") {
    static const detail::machine m(from_file("knl_flat_quadrant.xml").release());
    const auto elsewhere = []() -> const detail::machine& { return m; };
    CHECK(m.capacity() == 0);
    CHECK_THAT(reference::message_of<no_high_bandwidth_memory>(
                   [&] { detail::allocation a(4096, require, 1, elsewhere); }),
               reference::ContainsSubstring("hwloc was told of another machine"));
    CHECK_THAT(detail::machine(nullptr).lack(),
               reference::ContainsSubstring("cannot read this machine"));
}

TEST_CASE("buffers of this machine: what is required is had as a whole, or refused", "[placement]") {
    const auto ask = [] { return buffer<double>(1000, require, 2); };
    if (detail::machine::here().capacity() > 0) {
        const buffer<double> b = ask();
        CHECK(b.placement() == placement::require_high_bandwidth);
        CHECK(b.high_bandwidth_bytes() >= 8000);
    } else {
        CHECK_THAT(
            reference::message_of<no_high_bandwidth_memory>(ask),
            reference::ContainsSubstring("a buffer of 8000 bytes requires high-bandwidth memory, "));
    }
}

TEST_CASE("neither reading the machine nor placing pages moves a thread or its memory policy",
          "[placement]") {
    const auto cpus_of_this_thread = [] {
        cpu_set_t set;
        CPU_ZERO(&set);
        REQUIRE(::sched_getaffinity(0, sizeof set, &set) == 0);
        return set;
    };
    const cpu_set_t before = cpus_of_this_thread();
    const policy default_policy = policy_of(nullptr);
    hwloc_topology_destroy(detail::read_topology());
    detail::allocation a(5 * huge_page, prefer, 2, all_is_hbm);
    const cpu_set_t after = cpus_of_this_thread();
    CHECK(CPU_EQUAL(&before, &after));
    CHECK(policy_of(nullptr) == default_policy);
}

#endif
