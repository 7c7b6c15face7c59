# crdt.wasm: the same sources, by clang for wasm32. Built where clang, its wasm runtime and wasi-libc are installed.
find_program(VIBESYNC_CLANG clang)
find_program(VIBESYNC_WASM_LD NAMES wasm-ld wasm-ld-14)
if(VIBESYNC_CLANG AND VIBESYNC_WASM_LD AND EXISTS /usr/include/wasm32-wasi/stdlib.h AND CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  sources_of(wasm_sources code ground src)
  file(GLOB wasm_headers CONFIGURE_DEPENDS ground/*.h src/*.h include/crdt/*.h)
  set(wasm ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/crdt.wasm)
  add_custom_command(OUTPUT ${wasm} DEPENDS wasm/crdt_wasm.c ${wasm_sources} ${wasm_headers} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}
    COMMAND ${VIBESYNC_CLANG} --target=wasm32-wasi -mexec-model=reactor -std=c11 -O2 -DNDEBUG -D_GNU_SOURCE -Wall -Wextra -Werror
            -I. -Iinclude wasm/crdt_wasm.c ${wasm_sources} -Wl,--strip-all -o ${wasm})
  add_custom_target(crdt_wasm ALL DEPENDS ${wasm})
endif()
