# dispatch.cmake: the other half of dispatch.hpp, whose manual page tells how a program uses it.
#
#   destrier_add_architectures(TARGET SOURCES source... ARCHITECTURES name...)
#
# Compiles the sources once for each architecture, as TARGET's own are compiled (its libraries, definitions and
# options) and with -march=name after all other flags, and links the results into TARGET. The sources provide
# tables (DESTRIER_PROVIDES); TARGET's own sources, compiled for any machine, choose one
# (destrier::choose<table, DESTRIER_ARCHITECTURES>()). Names: skylake-avx512, knl, haswell, x86-64; armv8-a on
# 64-bit Arm. x86-64 or armv8-a is always among them, so that there is code for every machine.
#
# What compilers emit for inline functions and templates has the same names for every architecture, and a linker
# would keep one of each: perhaps one that the machine cannot run. Here the objects of an architecture are joined
# (ld -r) and all names but those of the tables are made local to them (objcopy); what constructs their static
# objects is put aside for destrier::choose to call.

function(destrier_add_architectures target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;ARCHITECTURES")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES OR NOT arg_ARCHITECTURES OR NOT TARGET ${target})
    message(FATAL_ERROR "destrier_add_architectures(${ARGV}): "
      "expected TARGET SOURCES source... ARCHITECTURES name..., where TARGET exists")
  endif()
  destrier_known_architectures(known baseline)
  list(APPEND arg_ARCHITECTURES ${baseline})
  list(REMOVE_DUPLICATES arg_ARCHITECTURES)
  foreach(architecture IN LISTS arg_ARCHITECTURES)
    if(NOT architecture IN_LIST known)
      list(JOIN known ", " known)
      message(FATAL_ERROR "destrier_add_architectures: \"${architecture}\" is no architecture of this processor "
        "(${CMAKE_SYSTEM_PROCESSOR}), expected some of ${known}")
    endif()
    string(MAKE_C_IDENTIFIER ${architecture} id)
    list(APPEND tags destrier::${id})
    destrier_flags_of(${architecture} ${id})
    destrier_join_objects(${target} ${architecture} ${id} ${arg_SOURCES})
  endforeach()
  list(JOIN tags "," tags)
  target_compile_definitions(${target} PRIVATE "DESTRIER_ARCHITECTURES=${tags}")
endfunction()

# The architectures of the processor that the build is for, and the one of them that runs on all machines.
function(destrier_known_architectures known baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(${known} skylake-avx512 knl haswell x86-64 PARENT_SCOPE)
    set(${baseline} x86-64 PARENT_SCOPE)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(${known} armv8-a PARENT_SCOPE)
    set(${baseline} armv8-a PARENT_SCOPE)
  else()
    message(FATAL_ERROR "destrier_add_architectures knows x86_64 and aarch64, not ${CMAKE_SYSTEM_PROCESSOR}")
  endif()
endfunction()

# Makes the library destrier_architecture_ID, which has nothing but flags, once. Without ER and PF, that of
# Knights Landing runs on every AVX-512 CPU. Names that compilers call unique, and code that is generated as the
# program is linked, could not be made local.
function(destrier_flags_of architecture id)
  if(TARGET destrier_architecture_${id})
    return()
  endif()
  include(CheckCXXCompilerFlag)
  set(flags SHELL:-march=${architecture} SHELL:-fno-lto) # SHELL: so that none is taken for one that came before
  check_cxx_compiler_flag(-march=${architecture} DESTRIER_COMPILER_KNOWS_${id})
  if(NOT DESTRIER_COMPILER_KNOWS_${id})
    message(FATAL_ERROR "destrier_add_architectures: ${CMAKE_CXX_COMPILER} does not know -march=${architecture}; "
      "leave ${architecture} out, or take another compiler (g++ has knl up to 14)")
  endif()
  set(optional -fno-gnu-unique)
  if(architecture STREQUAL knl)
    list(APPEND optional -mno-avx512er -mno-avx512pf)
  endif()
  foreach(flag IN LISTS optional)
    string(MAKE_C_IDENTIFIER ${flag} flag_id)
    check_cxx_compiler_flag(${flag} DESTRIER_COMPILER_KNOWS${flag_id})
    if(DESTRIER_COMPILER_KNOWS${flag_id})
      list(APPEND flags SHELL:${flag})
    endif()
  endforeach()
  add_library(destrier_architecture_${id} INTERFACE)
  target_compile_options(destrier_architecture_${id} INTERFACE ${flags})
  target_compile_definitions(destrier_architecture_${id} INTERFACE DESTRIER_ARCHITECTURE=${id})
endfunction()

# Compiles the sources for one architecture, and joins their objects into one that is linked into the target.
function(destrier_join_objects target architecture id)
  find_program(DESTRIER_LD NAMES ${_CMAKE_TOOLCHAIN_PREFIX}ld.bfd ld.bfd DOC "GNU ld, which joins objects")
  find_program(DESTRIER_OBJCOPY NAMES ${_CMAKE_TOOLCHAIN_PREFIX}objcopy objcopy DOC "GNU objcopy")
  if(NOT DESTRIER_LD OR NOT DESTRIER_OBJCOPY)
    message(FATAL_ERROR "destrier_add_architectures needs GNU ld (ld.bfd) and objcopy, of Debian's binutils")
  endif()
  set(objects ${target}.${architecture})
  add_library(${objects} OBJECT ${ARGN})
  # Flags of libraries come in the order of the libraries: the last -march counts.
  target_link_libraries(${objects} PRIVATE
    $<TARGET_PROPERTY:${target},LINK_LIBRARIES> destrier_architecture_${id})
  set(joined ${CMAKE_CURRENT_BINARY_DIR}/${objects}.o)
  add_custom_command(OUTPUT ${joined}
    COMMAND ${DESTRIER_LD} -r -d --force-group-allocation -o ${joined} $<TARGET_OBJECTS:${objects}>
    COMMAND ${DESTRIER_OBJCOPY} --wildcard --keep-global-symbol=_ZN8destrier8providedI*
            --rename-section .init_array=destrier_init_${id} ${joined}
    DEPENDS ${objects} $<TARGET_OBJECTS:${objects}>
    COMMENT "Joining the objects of ${target} for ${architecture}"
    COMMAND_EXPAND_LISTS VERBATIM)
  set_source_files_properties(${joined} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  target_sources(${target} PRIVATE ${joined})
endfunction()
