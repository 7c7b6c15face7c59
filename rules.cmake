# rules.cmake — the only helpers of the build.
#
#   add_layer(NAME FOLDERS f… PUBLIC dir… USES target…)   a static library of every .c in the folders; x_test.c files become one
#                                                         Criterion program NAME_tests, registered with ctest
#   add_fuzz_targets(LAYER FOLDER)                        fuzz_*.c of a folder: libFuzzer programs with -DVIBESYNC_FUZZ=ON, and
#                                                         always a replay of the committed corpus as a ctest
#   embed_files(TARGET NAME FILES f…)                     files as bytes in a generated C source, with a header NAME.h
#   apply_house_rules(TARGET)                             language, warnings, sanitizers

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
include(GNUInstallDirs)

function(apply_house_rules target)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Werror -fno-strict-aliasing -fno-common)
  if(VIBESYNC_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${VIBESYNC_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${VIBESYNC_SANITIZE})
    if(VIBESYNC_SANITIZE MATCHES "undefined")
      target_compile_options(${target} PRIVATE -fno-sanitize-recover=all)
    endif()
  endif()
  if(VIBESYNC_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# Sources of folders, relative to the current list file. kind: code (no tests, no main) or test.
function(sources_of out kind)
  set(found)
  foreach(folder ${ARGN})
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.c)
    foreach(file ${files})
      if(file MATCHES "_test\\.c$")
        set(file_kind test)
      elseif(file MATCHES "main\\.c$")
        set(file_kind main)
      else()
        set(file_kind code)
      endif()
      if(file_kind STREQUAL kind)
        list(APPEND found ${file})
      endif()
    endforeach()
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

function(add_layer name)
  cmake_parse_arguments(LAYER "" "" "FOLDERS;PUBLIC;USES" ${ARGN})
  sources_of(code code ${LAYER_FOLDERS})
  add_library(${name} STATIC ${code})
  apply_house_rules(${name})
  target_include_directories(${name} PUBLIC ${LAYER_PUBLIC})
  target_link_libraries(${name} PUBLIC ${LAYER_USES})
  sources_of(tests test ${LAYER_FOLDERS})
  if(tests)
    add_criterion_test(${name}_tests SOURCES ${tests} USES ${name})
  endif()
endfunction()

# One Criterion program, one ctest. Timing tests are named *_slow and skipped unless VIBESYNC_LONG is set at configure time.
function(add_criterion_test name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(TEST "" "" "SOURCES;USES" ${ARGN})
  pkg_check_modules(CRITERION REQUIRED IMPORTED_TARGET criterion)
  add_executable(${name} ${TEST_SOURCES})
  apply_house_rules(${name})
  # Criterion's own macros break these.
  target_compile_options(${name} PRIVATE -Wno-missing-prototypes -Wno-pedantic -Wno-shadow -Wno-cast-qual)
  target_link_libraries(${name} PRIVATE ${TEST_USES} PkgConfig::CRITERION)
  # ThreadSanitizer and Criterion do not go together: there, only plain-main tests run.
  if(NOT VIBESYNC_SANITIZE MATCHES "thread")
    add_test(NAME ${name} COMMAND ${name} --jobs=2 --tap=${CMAKE_BINARY_DIR}/${name}.tap)
    # A leak leaves a Criterion test "passed": the report itself is the failure.
    set_tests_properties(${name} PROPERTIES TIMEOUT 300
      FAIL_REGULAR_EXPRESSION "ERROR: [A-Za-z]*Sanitizer;runtime error:"
      ENVIRONMENT "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1;ASAN_OPTIONS=detect_leaks=1")
  endif()
endfunction()

# A program with its own main, run as a ctest; it fails by its exit status.
function(add_plain_test name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(TEST "" "" "SOURCES;USES;ARGS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  apply_house_rules(${name})
  target_link_libraries(${name} PRIVATE ${TEST_USES})
  add_test(NAME ${name} COMMAND ${name} ${TEST_ARGS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300
    ENVIRONMENT "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1;ASAN_OPTIONS=detect_leaks=1")
endfunction()

# fuzz_NAME.c in FOLDER, corpus in FOLDER/corpus/NAME/.
function(add_fuzz_targets folder)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(FUZZ "" "" "USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/fuzz_*.c)
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE "fuzz_" "" corpus ${name})
    add_executable(${name}_replay ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.c)
    apply_house_rules(${name}_replay)
    target_link_libraries(${name}_replay PRIVATE ${FUZZ_USES})
    add_test(NAME ${name}_replay COMMAND ${name}_replay ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/corpus/${corpus})
    set_tests_properties(${name}_replay PROPERTIES TIMEOUT 300
      ENVIRONMENT "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1;ASAN_OPTIONS=detect_leaks=1")
    if(VIBESYNC_FUZZ)
      add_executable(${name} ${source})
      apply_house_rules(${name})
      target_link_libraries(${name} PRIVATE ${FUZZ_USES})
      target_compile_definitions(${name} PRIVATE VIBESYNC_FUZZING) # a target may bring a mutator of its own
      target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    endif()
  endforeach()
endfunction()

# FILES become `const struct embedded_file NAME[]` (path relative to the current folder, data, size), closed by a NULL path.
function(embed_files target name)
  cmake_parse_arguments(EMBED "" "" "FILES" ${ARGN})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DNAME=${name} -DBASE=${CMAKE_CURRENT_SOURCE_DIR}
      "-DFILES=${EMBED_FILES}" -P ${CMAKE_SOURCE_DIR}/embed.cmake
    DEPENDS ${EMBED_FILES} ${CMAKE_SOURCE_DIR}/embed.cmake VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
