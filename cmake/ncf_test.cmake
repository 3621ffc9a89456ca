# ncf_test(FOLDER/NAME LIBS libraries... [RANKS 1 2 3 ...] [TIMEOUT seconds] [LABELS ...] [COMPUTES])
#
# The program tests/FOLDER/NAME_test.cpp as a ctest test FOLDER.NAME. With RANKS it is an MPI program, and one ctest
# test FOLDER.NAME.pN is made for each number of ranks. Every test has a time limit. A program all of whose tests skip
# themselves (GTEST_SKIP, for want of data) is shown as skipped. Its own code is compiled quickly, not well, as what it
# tests is in libraries; not with COMPUTES, for those that compute much themselves or test what stands in a header alone.
set(NCF_TEST_OPTIONS $<$<CONFIG:Release>:-O0>)
set(NCF_MPIRUN "${MPIEXEC_EXECUTABLE}" CACHE STRING "mpirun used by multi-rank tests")
set(NCF_MPI_ENVIRONMENT
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_io=romio321
    OMPI_MCA_btl_vader_single_copy_mechanism=none OMP_NUM_THREADS=1)

# ncf_mpi_environment(TEST...)
#
# What these tests need to start mpirun. Each gets a directory of its own for Open MPI's session: jobs that start at the
# same time trip over each other while they make a common one.
function(ncf_mpi_environment)
  foreach(test IN LISTS ARGN)
    string(MD5 id "${PROJECT_BINARY_DIR} ${test}")
    string(SUBSTRING "${id}" 0 8 id)
    set_property(TEST ${test} APPEND PROPERTY ENVIRONMENT ${NCF_MPI_ENVIRONMENT}
                                              OMPI_MCA_orte_tmpdir_base=/tmp/ncf-tests/${id})
  endforeach()
endfunction()

# ncf_mpi_alone(TEST...)
#
# Jobs of one rank that are to fail: mpirun would wait two seconds for other ranks to end.
function(ncf_mpi_alone)
  set_property(TEST ${ARGN} APPEND PROPERTY ENVIRONMENT OMPI_MCA_odls_base_sigkill_timeout=0)
endfunction()

# The end of Google Test's output then (mpirun gives a rank a terminal, hence GTEST_COLOR below).
set(NCF_ALL_SKIPPED "PASSED  \\] 0 tests\\.\r?\n(\\[  SKIPPED \\] [^\n]*\n)+$")

function(ncf_test path)
  cmake_parse_arguments(ARG "COMPUTES" "TIMEOUT" "LIBS;RANKS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(NCF_SANITIZE)
    math(EXPR ARG_TIMEOUT "5 * ${ARG_TIMEOUT}")  # instrumented code is that much slower
  endif()
  string(REPLACE "/" "." name "${path}")
  string(REPLACE "/" "_" target "${path}_test")
  add_executable(${target} "${PROJECT_SOURCE_DIR}/tests/${path}_test.cpp")
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  if(NOT ARG_COMPUTES)
    target_compile_options(${target} PRIVATE ${NCF_TEST_OPTIONS})
    target_precompile_headers(${target} REUSE_FROM ncf_test_headers)
  endif()
  target_compile_definitions(${target} PRIVATE NCF_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                               NCF_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(ARG_RANKS)
    target_link_libraries(${target} PRIVATE ${ARG_LIBS} ncf_comm ncf_mpi_test_main)
    foreach(ranks IN LISTS ARG_RANKS)
      add_test(NAME ${name}.p${ranks} COMMAND "${NCF_MPIRUN}" -n ${ranks} $<TARGET_FILE:${target}>)
      set_tests_properties(${name}.p${ranks} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
                           ENVIRONMENT GTEST_COLOR=no SKIP_REGULAR_EXPRESSION "${NCF_ALL_SKIPPED}")
      ncf_mpi_environment(${name}.p${ranks})
      if(ranks GREATER 1)
        set_tests_properties(${name}.p${ranks} PROPERTIES PROCESSORS 2)
      endif()
    endforeach()
  else()
    target_link_libraries(${target} PRIVATE ${ARG_LIBS} GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${target})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
                         ENVIRONMENT "OMP_NUM_THREADS=1" SKIP_REGULAR_EXPRESSION "${NCF_ALL_SKIPPED}")
  endif()
endfunction()
